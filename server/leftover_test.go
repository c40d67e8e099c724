package server

import (
	"os"
	"testing"
	"time"

	"mgr/pidfile"
)

// TestRemainsSince: a snapshot serves for several servers, but for none that has ended
// since, or was started and has ended since.
func TestRemainsSince(t *testing.T) {
	const gone = 1 << 22 // PID_MAX_LIMIT: nobody's
	before := time.Now().Add(-time.Minute)
	for _, tt := range []struct {
		name  string
		rec   pidfile.Record
		fresh bool
	}{
		{"it had ended", pidfile.Record{PID: gone, ModTime: before}, false},
		{"it ran", pidfile.Record{PID: os.Getpid(), ModTime: before}, true},
		{"it had yet to be started", pidfile.Record{PID: gone, ModTime: time.Now().Add(time.Minute)}, true},
		{"it was started at once", pidfile.Record{PID: gone}, true},
	} {
		var r Remains
		first, err := r.since(pidfile.Record{PID: gone, ModTime: before})
		if err != nil {
			t.Fatal(err)
		}
		if tt.rec.ModTime.IsZero() { // the kernel's clock may have had its last tick before that
			tt.rec.ModTime = r.taken.Add(-4 * time.Millisecond)
		}
		if again, err := r.since(tt.rec); err != nil || (again != first) != tt.fresh {
			t.Errorf("%s: a new snapshot: %v, want %v; %v", tt.name, again != first, tt.fresh, err)
		}
	}
}
