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

// Whatever keeps mgr from waiting for old workers is said of their server, and so is an
// interrupt: the time that was to be waited for has not passed.
func TestDrainedNot(t *testing.T) {
	broken, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, cmd := sleeper(t)
	lives, err := pidfile.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer lives.Close()
	tests := []struct {
		name    string
		ctx     context.Context
		process *pidfile.Process
		want    string
	}{
		{"an error", context.Background(), pidfile.FromPidfd(812, -1), // epoll_ctl(2) takes no such descriptor
			"mgr: demo-server (/etc/demo/1.conf): nobody waits any more for what is still draining, pid 812: epoll_ctl: bad file descriptor\n"},
		{"an interrupt", broken, lives, "mgr: interrupted: demo-server (/etc/demo/1.conf) is still draining: pid "},
	}
	for _, tt := range tests {
		var errs bytes.Buffer
		m := &Manager{Console: NewConsole(io.Discard, &errs, Terminal{}), byInst: map[*server.Instance]*result{}, warned: map[string]bool{}}
		i := &server.Instance{Program: &aliases.Program{Name: "demo-server"}, Conf: "/etc/demo/1.conf"}
		status := m.drained(tt.ctx, i, []*pidfile.Process{tt.process}, time.Now().Add(time.Minute))
		if status != Failed || !bytes.HasPrefix(errs.Bytes(), []byte(tt.want)) || m.byInst[i].Error == "" {
			t.Errorf("%s: status %d, %q, want %q; in the document: %q", tt.name, status, errs.String(), tt.want, m.byInst[i].Error)
		}
	}
}
