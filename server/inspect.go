package server

import (
	"iter"
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
// One that was not left behind is used again for other instances.
type block struct {
	looks  []look
	found  []pidfile.Finding
	closes bool          // the findings are wanted without their handles
	seen   atomic.Int32  // how many of found are there; abandoned: nobody wants the others any more
	done   chan struct{} // has room for one, so that nobody who has looked waits
}

const abandoned = -1

func newBlock(size int) *block {
	return &block{looks: make([]look, 0, size), found: make([]pidfile.Finding, size), done: make(chan struct{}, 1)}
}

// fill has the block be of the instances from one up to another.
func (b *block) fill(from, to int, prepared func(n int) look) {
	b.seen.Store(0)
	b.looks = b.looks[:0]
	for n := from; n < to; n++ {
		b.looks = append(b.looks, prepared(n))
	}
}

// inspect looks at all, unless it is left behind, which it then says.
func (b *block) inspect(blocked *atomic.Bool) (behind bool) {
	for n := range b.looks {
		f := b.look(n, blocked)
		b.found[n] = f
		if !b.seen.CompareAndSwap(int32(n), int32(n+1)) {
			f.Process.Close()
			return true
		}
	}
	b.done <- struct{}{}
	return false
}

// look looks at one, with the Reader once some process has kept somebody waiting.
func (b *block) look(n int, blocked *atomic.Bool) pidfile.Finding {
	see := (*look).glance
	if blocked.Load() {
		see = (*look).inspect
	}
	f := see(&b.looks[n])
	if b.closes {
		f.Process.Close()
		f.Process = nil
	}
	return f
}

// await gives the findings, and says whether the goroutine was left behind.
func (b *block) await(patience time.Duration, blocked *atomic.Bool) (found []pidfile.Finding, behind bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-b.done:
		return b.found[:len(b.looks)], false
	case <-timer.C:
	}
	blocked.Store(true)
	seen := int(b.seen.Swap(abandoned))
	found = slices.Clone(b.found[:seen])
	if seen < len(b.looks) {
		b.looks[seen].leave()
	}
	for n := seen; n < len(b.looks); n++ {
		found = append(found, b.look(n, blocked))
	}
	return found, true
}

// inspections are looks at many instances.
type inspections struct {
	work, order chan *block
	spare       chan *block // those that can be used again
	patience    time.Duration
	blocked     atomic.Bool // some process keeps whoever looks at it waiting
}

// Inspections looks at instances, for those who only want to know: each call of
// next gives the finding of the next one, without a handle. Each look is a dozen
// system calls that wait for nothing of the others, so goroutines share them, see
// pidfile.Sharers. The fleet is theirs until the last finding.
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

func inspectAll(count int, prepared func(n int) look, patience time.Duration) (next func() pidfile.Finding) {
	procs := pidfile.Sharers()
	size, ahead := max(1, min(perBlock, count/(4*procs))), 4*procs
	all := &inspections{
		work: make(chan *block, ahead), order: make(chan *block, ahead), spare: make(chan *block, ahead), patience: patience,
	}
	go all.prepare(count, size, prepared)
	for range procs {
		go all.inspect()
	}
	var b *block
	var found []pidfile.Finding
	return func() pidfile.Finding {
		if len(found) == 0 {
			all.reuse(b)
			b = <-all.order
			found = all.await(b)
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
		var b *block
		select {
		case b = <-all.spare:
		default:
			b = newBlock(size)
			b.closes = true
		}
		b.fill(from, min(from+size, count), prepared)
		all.order <- b
		all.work <- b
	}
}

// reuse gives back a block that has been dealt with, unless nobody needs it.
func (all *inspections) reuse(b *block) {
	if b == nil || b.seen.Load() == abandoned {
		return
	}
	select {
	case all.spare <- b:
	default:
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

func handles(count int, prepared func(n int) look, patience time.Duration) iter.Seq2[int, pidfile.Finding] {
	return func(yield func(int, pidfile.Finding) bool) {
		blocked := new(atomic.Bool)
		size := min(perHandle, count)
		ahead := lookAhead(newBlock(size), 0, count, prepared, blocked)
		spare := newBlock(size)
		for from := 0; from < count; {
			b, first := ahead, from
			from += len(b.looks)
			ahead = lookAhead(spare, from, count, prepared, blocked)
			found, behind := b.await(patience, blocked)
			for n, f := range found {
				if !yield(first+n, f) {
					rest, _ := ahead.await(patience, blocked)
					for _, f := range slices.Concat(found[n+1:], rest) {
						f.Process.Close()
					}
					return
				}
			}
			if spare = b; behind {
				spare = newBlock(size)
			}
		}
	}
}

// lookAhead begins to look at some, from one on.
func lookAhead(b *block, from, count int, prepared func(n int) look, blocked *atomic.Bool) *block {
	b.fill(from, min(from+perHandle, count), prepared)
	go b.inspect(blocked) // it may never come back
	return b
}
