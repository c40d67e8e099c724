package manager

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// TestSurvive: what was stopped to be killed is killed, even if it was found when the
// time was up. Nobody would have it go on.
func TestSurvive(t *testing.T) {
	m, i, cmd := sleeper(t)
	m.warned = map[string]bool{}
	p, err := pidfile.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := p.Dup()
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Close()
	if err := p.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s := &stopping{m: m}
	s.killKin(func() []kin { return []kin{{p, &target{i: i}}} }, time.Now().Add(-time.Second), "of its family")
	seen.Await(time.Now().Add(10 * time.Second))
	if !seen.Exited() || !s.failed {
		t.Errorf("ended: %t, a failure: %t", seen.Exited(), s.failed)
	}
}
