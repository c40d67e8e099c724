package pidfile

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGetenv: what a process was given is told while it runs, and not once it has ended.
func TestGetenv(t *testing.T) {
	d := start(t, "good", serverArgv, func(c *exec.Cmd) { c.Env = append(c.Env, "PLACE=@a\xff b=c", "PLACES=x", "X=PLACE=y") })
	p := handle(t, d.pid())
	if diff := cmp.Diff([]string{"@a\xff b=c"}, p.Getenv(nil, "PLACE")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := p.Getenv(nil, "NOBODY_HAS_IT"); got != nil {
		t.Errorf("got %q", got)
	}
	d.kill()
	if got := p.Getenv(nil, "PLACE"); got != nil {
		t.Errorf("of one that has ended: %q", got)
	}
}
