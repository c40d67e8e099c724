package pidfile

import (
	"os"
	"testing"
	"time"
)

// TestSeen: what was started since a launch is seen however long ago that is, also if the
// machine was suspended most of the time, which Go's monotonic clock does not count.
func TestSeen(t *testing.T) {
	const launched = 100 * time.Hour // after boot
	id := Identity{Commands: []string{"demo-server"}, Executable: executable(os.Getpid())}
	tests := []struct {
		name    string
		started time.Duration
		seen    bool
	}{
		{"just before", launched - time.Second, false},
		{"within the same tick", launched - startTick, true},
		{"afterwards", launched + time.Second, true},
		{"after a suspend", launched + 8*time.Hour, true},
	}
	for _, tt := range tests {
		tree := &Tree{stats: map[int]Stat{os.Getpid(): {Start: uint64(tt.started / startTick)}}}
		if seen := tree.Seen(nil, id, launched); seen != tt.seen {
			t.Errorf("%s: %t", tt.name, seen)
		}
	}
}

// SinceBoot is the clock of start times.
func TestSinceBoot(t *testing.T) {
	before := SinceBoot()
	d := start(t, "good", serverArgv)
	st, err := stat(d.pid())
	check(t, err)
	if started, after := st.started(), SinceBoot(); started < before-startTick || started > after {
		t.Errorf("a process was started %v after boot, between %v and %v", started, before, after)
	}
}

// TestStartedLate: a machine may have been up for years.
func TestStartedLate(t *testing.T) {
	const uptime = 10 * 365 * 24 * time.Hour
	if got := (Stat{Start: uint64(uptime / startTick)}).started(); got != uptime {
		t.Errorf("after %v, want %v", got, uptime)
	}
}
