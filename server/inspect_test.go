package server

import (
	"testing"
	"time"

	"mgr/pidfile"
)

// TestInspectionsLeaveBehind has some looks, of all that are made of many instances,
// not come back: what is found is complete, and in order.
func TestInspectionsLeaveBehind(t *testing.T) {
	const count, hangs = 1000, 77
	release := make(chan struct{})
	defer close(release)
	next := inspectAll(count, func(n int) look {
		l := found(pidfile.Finding{Record: pidfile.Record{PID: n}})
		if n%300 == hangs {
			l.glance = func() pidfile.Finding { <-release; return pidfile.Finding{State: pidfile.Malformed} }
		}
		return l
	}, 20*time.Millisecond)
	for n := range count {
		if f := next(); f.State != pidfile.Running || f.Record.PID != n {
			t.Fatalf("instance %d: %v, pid %d", n, f.State, f.Record.PID)
		}
	}
}
