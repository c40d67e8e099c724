package pidfile

import (
	"os/exec"
	"testing"
	"time"
)

// TestEdited: a process with other arguments is the server if it is older than the
// pidfile, as far as the times of both are of one clock.
func TestEdited(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	p, err := Open(cmd.Process.Pid)
	check(t, err)
	defer p.Close()
	for _, tt := range []struct {
		name    string
		written time.Duration // from now
		edited  bool
		want    bool
	}{
		{"written when it was started", 0, true, true},
		{"written before it was started", -time.Hour, true, false},
		{"written when the clock was ahead", time.Hour, true, false},
		{"arguments that cannot have been edited", 0, false, false},
	} {
		id := Identity{Commands: []string{"sleep"}, Args: [][]string{{"61"}}, Edited: tt.edited}
		if got := p.edited(id, []string{"sleep", "60"}, time.Now().Add(tt.written)); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
}
