package manager

import (
	"io"
	"testing"

	"mgr/pidfile"
)

// A releaser gives up a lock once something is said.
type releaser struct{ unlock func() }

func (r releaser) Write(text []byte) (int, error) {
	r.unlock()
	return len(text), nil
}

// TestLockFree: a lock that is free is taken, though the time for it has passed: mgr itself may
// have been stopped meanwhile.
func TestLockFree(t *testing.T) {
	for range 20 {
		m, i, _ := sleeper(t)
		if err := m.Fleet.Open(pidfile.MakeIt); err != nil {
			t.Fatal(err)
		}
		other, err := pidfile.OpenDir(m.Fleet.RunDir)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.TryLock("sleep.pid"); err != nil {
			t.Fatal(err)
		}
		if i.TryLock() == nil {
			t.Fatal("two have the lock")
		}
		m.Console = NewConsole(releaser{func() { other.Unlock("sleep.pid") }}, io.Discard, Terminal{})
		m.Options.Verbose = true
		m.Options.LockWait = 0 // it has passed by the time that anybody looks
		if err := m.waitLock(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		other.Close()
	}
}
