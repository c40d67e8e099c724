package pidfile

import (
	"strings"
	"testing"
)

// TestHolder finds the process that holds a lock, and that one only.
func TestHolder(t *testing.T) {
	d := openDir(t, t.TempDir())
	held := start(t, "lock", []string{"mgr", "restart", "main"}, handing(d.File()))
	mustBeLocked(t, d, "x.pid")
	check(t, d.TryLock("y.pid"))
	pid, argv := d.Holder("x.pid")
	if pid != held.pid() || strings.Join(argv, " ") != "mgr restart main" {
		t.Errorf("x.pid: pid %d, %q, want %d", pid, argv, held.pid())
	}
	for _, name := range []string{"y.pid", "z.pid"} { // our own, and nobody's
		if pid, _ := d.Holder(name); pid != 0 {
			t.Errorf("%s: pid %d", name, pid)
		}
	}
}

func TestHoldsLock(t *testing.T) {
	const text = "pos:\t0\nflags:\t0102\nlock:\t1: OFDLCK ADVISORY  WRITE 0 fe:00:1234 77 77\n"
	for start, want := range map[string]bool{" 77 ": true, " 7 ": false, " 1234 ": false} {
		if got := holdsLock(text, start); got != want {
			t.Errorf("%q: %v", start, got)
		}
	}
	if holdsLock("lock:\t1: POSIX  ADVISORY  WRITE 7 fe:00:1234 77 77\n", " 77 ") {
		t.Error("a lock of another kind")
	}
}
