package manager

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// TestLateStage: a stage that does not become the server is waited for no longer than the
// server, though nobody else may take its lock; and what it does is said.
func TestLateStage(t *testing.T) {
	_, _, cmd := sleeper(t)
	process, err := pidfile.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	i := &server.Instance{Program: &aliases.Program{Name: "demo-server", ReadyWait: 2 * time.Second}, Conf: "/etc/demo/1.conf"}
	c := &server.Child{Instance: i, Process: process}
	var errs bytes.Buffer
	m := &Manager{Console: NewConsole(io.Discard, &errs, Terminal{}), byInst: map[*server.Instance]*result{}, warned: map[string]bool{}}
	s := &starting{m: m}
	if got := s.launching(c); got != 2*time.Second {
		t.Errorf("it is waited for for %v", got)
	}
	s.late(context.Background(), c)
	if !s.failed || !bytes.Contains(errs.Bytes(), []byte(" - /etc/demo/1.conf) was not executed within 2 s: state ")) {
		t.Errorf("failed %t, %q", s.failed, errs.String())
	}
}
