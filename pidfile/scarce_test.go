package pidfile

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReadTreeScarce: a snapshot is whole, or there is none, while something else takes the
// last descriptor again and again.
func TestReadTreeScarce(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	lessRoom(t, 1, func() {
		var enough atomic.Bool
		var other sync.WaitGroup
		other.Go(func() { // as mgr reads a process that hangs
			for !enough.Load() {
				if fd, err := unix.Dup(0); err == nil {
					unix.Close(fd)
				}
			}
		})
		for range 100 {
			tree, err := ReadTree()
			if err != nil && !errors.Is(err, unix.EMFILE) {
				t.Error(err)
			}
			for label, pid := range d.said {
				if err == nil && !tree.Has(pid) {
					t.Errorf("%s, pid %d, is missing", label, pid)
				}
			}
		}
		enough.Store(true)
		other.Wait()
	})
}

// TestExitingScarce: who cannot be looked at for want of descriptors does not pass for
// one on its way out.
func TestExitingScarce(t *testing.T) {
	d := start(t, "good", serverArgv)
	p := handle(t, d.pid())
	lessRoom(t, 0, func() {
		if p.Exiting() || Ending(d.pid()) {
			t.Errorf("exiting %v, ending %v", p.Exiting(), Ending(d.pid()))
		}
	})
	d.kill()
	lessRoom(t, 0, func() {
		if !p.Exiting() {
			t.Error("it has ended, and is not exiting")
		}
	})
}
