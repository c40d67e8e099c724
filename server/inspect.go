package server

import (
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"mgr/pidfile"
)

// perBlock is how many instances one goroutine looks at before the next ones: few
// enough to share out, enough not to be about sharing. perHandle is that where each
// comes with a handle, which is open until it is dealt with.
const (
	perBlock  = 64
	perHandle = 16
)

// A block is some instances that follow each other, to be looked at in one go by a
// goroutine that can be left behind. So that reads by itself, and nothing has to be
// handed to another goroutine for each process, which would take a tenth of the time
// of a status. If it is late, the rest is looked at again with the fleet's Reader.
type block struct {
	looks []look
	found []pidfile.Finding
	seen  atomic.Int32 // how many of found are there; abandoned: nobody wants the others any more
	done  chan struct{}
}

const abandoned = -1

func newBlock(looks []look) *block {
	return &block{looks: looks, found: make([]pidfile.Finding, len(looks)), done: make(chan struct{})}
}

// inspect looks at all, unless it is left behind, which it then says.
func (b *block) inspect(blocked *atomic.Bool) (behind bool) {
	for n, l := range b.looks {
		see := l.glance
		if blocked.Load() {
			see = l.inspect
		}
		f := see()
		b.found[n] = f
		if !b.seen.CompareAndSwap(int32(n), int32(n+1)) {
			f.Process.Close()
			return true
		}
	}
	close(b.done)
	return false
}

// await gives the findings, and says whether the goroutine was left behind.
func (b *block) await(patience time.Duration, blocked *atomic.Bool) (found []pidfile.Finding, behind bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-b.done:
		return b.found, false
	case <-timer.C:
	}
	blocked.Store(true)
	seen := int(b.seen.Swap(abandoned))
	found = slices.Clone(b.found[:seen])
	if seen < len(b.looks) {
		b.looks[seen].leave()
	}
	for _, l := range b.looks[seen:] {
		found = append(found, l.inspect())
	}
	return found, true
}

// inspections are looks at many instances.
type inspections struct {
	work, order chan *block
	patience    time.Duration
	blocked     atomic.Bool // some process keeps whoever looks at it waiting
}

// Inspections looks at instances, for those who only want to know: each call of
// next gives the finding of the next one, without a handle. Each look is a dozen
// system calls that wait for nothing of the others, so goroutines share them, as
// many as there are processors. The fleet is theirs until the last finding.
func Inspections(instances []*Instance) (next func() pidfile.Finding) {
	return inspectAll(len(instances), func(n int) look { return instances[n].look() }, glances(instances))
}

// glances is how long a block is waited for.
func glances(instances []*Instance) time.Duration {
	if len(instances) == 0 {
		return 0
	}
	return instances[0].fleet.Reader.Glances()
}

func inspectAll(count int, look func(n int) look, patience time.Duration) (next func() pidfile.Finding) {
	procs := runtime.GOMAXPROCS(0)
	size := max(1, min(perBlock, count/(4*procs)))
	all := &inspections{work: make(chan *block, 4*procs), order: make(chan *block, 4*procs), patience: patience}
	go all.prepare(count, size, look)
	for range procs {
		go all.inspect()
	}
	var found []pidfile.Finding
	return func() pidfile.Finding {
		if len(found) == 0 {
			found = all.await(<-all.order)
		}
		f := found[0]
		found = found[1:]
		return f
	}
}

// prepare does what takes the fleet, which is for one goroutine, and hands it on:
// as work, and in its order.
func (all *inspections) prepare(count, size int, prepared func(n int) look) {
	defer close(all.work)
	for from := 0; from < count; from += size {
		var looks []look
		for n := from; n < min(from+size, count); n++ {
			looks = append(looks, prepared(n).only())
		}
		b := newBlock(looks)
		all.order <- b
		all.work <- b
	}
}

// inspect looks at blocks, until there are no more, or it was left behind.
func (all *inspections) inspect() {
	for b := range all.work {
		if behind := b.inspect(&all.blocked); behind {
			return
		}
	}
}

// await gives the findings of a block. If its goroutine was left behind, another one
// takes its place.
func (all *inspections) await(b *block) []pidfile.Finding {
	found, behind := b.await(all.patience, &all.blocked)
	if behind {
		go all.inspect()
	}
	return found
}

// Handles looks at instances, one after the other, for those who act on them: it
// gives each finding with its handle, which the caller closes. Some are looked at
// before they are asked for, while the caller acts on those before them.
func Handles(instances []*Instance) iter.Seq2[*Instance, pidfile.Finding] {
	return func(yield func(*Instance, pidfile.Finding) bool) {
		look := func(n int) look { return instances[n].look() }
		for n, f := range handles(len(instances), look, glances(instances)) {
			if !yield(instances[n], f) {
				return
			}
		}
	}
}

func handles(count int, look func(n int) look, patience time.Duration) iter.Seq2[int, pidfile.Finding] {
	return func(yield func(int, pidfile.Finding) bool) {
		blocked := new(atomic.Bool)
		next := lookAhead(0, count, look, blocked)
		for from := 0; from < count; {
			b, first := next, from
			from += len(b.looks)
			next = lookAhead(from, count, look, blocked)
			found, _ := b.await(patience, blocked)
			for n, f := range found {
				if !yield(first+n, f) {
					ahead, _ := next.await(patience, blocked)
					for _, f := range slices.Concat(found[n+1:], ahead) {
						f.Process.Close()
					}
					return
				}
			}
		}
	}
}

// lookAhead begins to look at some, from one on.
func lookAhead(from, count int, prepared func(n int) look, blocked *atomic.Bool) *block {
	looks := make([]look, min(perHandle, count-from))
	for n := range looks {
		looks[n] = prepared(from + n)
	}
	b := newBlock(looks)
	go b.inspect(blocked) // it may never come back
	return b
}
