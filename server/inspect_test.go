package server

import (
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// TestInspectionsLeaveBehind has some looks, of all that are made of many instances,
// not come back: what is found is complete, and in order.
func TestInspectionsLeaveBehind(t *testing.T) {
	const count, hangs = 1000, 77
	release := make(chan struct{})
	defer close(release)
	atOnce := make(chan struct{})
	close(atOnce)
	next := inspectAll(count, func(n int) look {
		if n%300 != hangs {
			return look{known: &pidfile.Finding{Record: pidfile.Record{PID: n}}}
		}
		see := func(finding pidfile.Finding, until chan struct{}) func(*pidfile.Dir, string, pidfile.Identity) pidfile.Finding {
			return func(*pidfile.Dir, string, pidfile.Identity) pidfile.Finding { <-until; return finding }
		}
		return look{
			glancing:   see(pidfile.Finding{State: pidfile.Malformed}, release),
			inspecting: see(pidfile.Finding{Record: pidfile.Record{PID: n}}, atOnce),
		}
	}, 20*time.Millisecond)
	for n := range count {
		if f := next(); f.State != pidfile.Running || f.Record.PID != n {
			t.Fatalf("instance %d: %v, pid %d", n, f.State, f.Record.PID)
		}
	}
}

// TestInspectionsScarce: of many processors not all look at instances where there are few
// descriptors.
func TestInspectionsScarce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: had.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &had)
	release := make(chan struct{})
	glance := func(*pidfile.Dir, string, pidfile.Identity) pidfile.Finding { <-release; return pidfile.Finding{} }
	before := runtime.NumGoroutine()
	next := inspectAll(1000, func(int) look { return look{glancing: glance} }, time.Minute)
	if more := runtime.NumGoroutine() - before; more > 17 { // one prepares
		t.Errorf("%d goroutines", more)
	}
	close(release)
	for range 1000 {
		next()
	}
}

// TestHandlesAhead stops asking after each number of findings: they come in order, and
// what was looked at ahead is closed.
func TestHandlesAhead(t *testing.T) {
	const count = 3*perHandle + 1
	before := descriptors(t)
	for asked := 1; asked <= count; asked++ {
		got := 0
		self := func(n int) look {
			return look{glancing: func(*pidfile.Dir, string, pidfile.Identity) pidfile.Finding {
				p, err := pidfile.Open(os.Getpid())
				if err != nil {
					t.Error(err)
				}
				return pidfile.Finding{State: pidfile.Running, Record: pidfile.Record{PID: n}, Process: p}
			}}
		}
		for n, f := range handles(count, self, time.Minute) {
			if f.Process.Close(); n != got || f.Record.PID != n {
				t.Fatalf("finding %d is number %d, of instance %d", got, n, f.Record.PID)
			}
			if got++; got == asked {
				break
			}
		}
		if got != asked {
			t.Errorf("%d findings, not %d", got, asked)
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
