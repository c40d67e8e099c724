package pidfile

import (
	"strings"
	"testing"
	"time"
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

// TestHolderSearches: who holds the lock is looked for no longer than anything else.
func TestHolderSearches(t *testing.T) {
	d := openDir(t, t.TempDir())
	d.Reader = &Reader{Patience: time.Nanosecond}
	start(t, "lock", []string{"mgr"}, handing(d.File()))
	mustBeLocked(t, d, "x.pid")
	if pid, _ := d.Holder("x.pid"); pid != 0 {
		t.Errorf("found pid %d after the time was up", pid)
	}
}

func TestHoldsLock(t *testing.T) {
	const before = "pos:\t0\nflags:\t0102\nlock:\t1: FLOCK  ADVISORY  WRITE 7 fe:00:1234 0 EOF\n"
	for lock, want := range map[string]bool{
		"1: OFDLCK ADVISORY  WRITE 0 fe:00:1234 77 77":  true,
		"1: OFDLCK ADVISORY  READ 0 fe:00:1234 77 78":   true,
		"1: POSIX  ADVISORY  WRITE 7 fe:00:1234 0 EOF":  true,
		"1: POSIX  ADVISORY  WRITE 7 fe:00:1234 77 EOF": true,
		"1: POSIX  ADVISORY  WRITE 7 fe:00:1234 78 EOF": false,
		"1: OFDLCK ADVISORY  WRITE 0 fe:00:1234 0 76":   false,
		"1: FLOCK  ADVISORY  WRITE 7 fe:00:1234 0 EOF":  false,
		"1: LEASE  ACTIVE    WRITE 7 fe:00:1234 0 EOF":  false,
		"1: OFDLCK ADVISORY  WRITE 0 fe:00:1234 7x 77":  false,
		"1: OFDLCK ADVISORY  WRITE 0 fe:00:77 1 2":      false,
		"1: OFDLCK ADVISORY  WRITE 77":                  false,
		"":                                              false,
	} {
		if got := holdsLock(before+"lock:\t"+lock+"\n", 77); got != want {
			t.Errorf("%q: %v", lock, got)
		}
	}
}
