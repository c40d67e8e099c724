package manager

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
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

// TestCopiesUnseen: what keeps mgr from looking for what is left is said once of each
// server that has ended, however many workers of it were waited for.
func TestCopiesUnseen(t *testing.T) {
	m, i, _ := sleeper(t)
	var errs bytes.Buffer
	m.Console, m.warned, m.Options.Kill = NewConsole(io.Discard, &errs, Terminal{}), map[string]bool{}, true
	i.Program.Command = []string{"%(nothing)s"}
	lives := &server.Instance{Program: i.Program, Conf: "/etc/demo/2.conf"}
	s := &stopping{m: m}
	s.copies(context.Background(), []*target{{i: i, gone: true}, {i: i, gone: true}, {i: lives}})
	if got := strings.Count(errs.String(), "cannot be looked for"); got != 1 || strings.Contains(errs.String(), lives.Conf) {
		t.Errorf("said %d times:\n%s", got, errs.String())
	}
}
