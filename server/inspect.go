package server

import (
	"runtime"

	"mgr/pidfile"
)

// perBlock is how many instances a goroutine takes at a time: few enough that all
// goroutines get some, and enough that handing them out costs next to nothing.
const perBlock = 64

// A block is some instances that follow each other, to be looked at in one go.
type block struct {
	looks []func() pidfile.Finding
	found []pidfile.Finding
	done  chan struct{}
}

// Inspections looks at instances, for those who only want to know: each call of
// next gives the finding of the next one, without a handle. Each look is a dozen
// system calls that wait for nothing of the others, so goroutines share them, as
// many as there are processors. The fleet is theirs until the last finding.
func Inspections(instances []*Instance) (next func() pidfile.Finding) {
	procs := runtime.GOMAXPROCS(0)
	size := max(1, min(perBlock, len(instances)/(4*procs)))
	work, order := make(chan *block, 4*procs), make(chan *block, 4*procs)
	go prepare(instances, size, work, order)
	for range procs {
		go func() {
			for b := range work {
				b.inspect()
			}
		}()
	}
	var found []pidfile.Finding
	return func() pidfile.Finding {
		if len(found) == 0 {
			b := <-order
			<-b.done
			found = b.found
		}
		f := found[0]
		found = found[1:]
		return f
	}
}

// prepare does what takes the fleet, which is for one goroutine, and hands it on:
// as work, and in its order.
func prepare(instances []*Instance, size int, work, order chan<- *block) {
	defer close(work)
	for from := 0; from < len(instances); from += size {
		b := &block{done: make(chan struct{})}
		for _, i := range instances[from:min(from+size, len(instances))] {
			b.looks = append(b.looks, i.look())
		}
		order <- b
		work <- b
	}
}

func (b *block) inspect() {
	b.found = make([]pidfile.Finding, len(b.looks))
	for n, look := range b.looks {
		f := look()
		f.Process.Close()
		f.Process = nil
		b.found[n] = f
	}
	close(b.done)
}
