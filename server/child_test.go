package server

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestObeyed: an end that tells of a stop, by its wait status, which has the signal in its low and the exit status
// in its high byte.
func TestObeyed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		child Child
		want  bool
	}{
		{"by the signal", Child{Status: unix.WaitStatus(unix.SIGTERM)}, true},
		{"by an escalation", Child{Status: unix.WaitStatus(unix.SIGKILL)}, true},
		{"with nothing wrong", Child{}, true},
		{"as a shell's child", Child{Status: (128 + unix.WaitStatus(unix.SIGTERM)) << 8}, true},
		{"as nobody but its parent knows", Child{Followed: true}, true},
		{"by a fault", Child{Status: unix.WaitStatus(unix.SIGSEGV)}, false},
		{"with a core", Child{Status: 0x80 | unix.WaitStatus(unix.SIGABRT)}, false},
		{"by another signal", Child{Status: unix.WaitStatus(unix.SIGHUP)}, false},
		{"with a failure", Child{Status: 1 << 8}, false},
	} {
		if got := tt.child.Obeyed(unix.SIGTERM); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
