package manager

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// What keeps mgr from waiting is said of each server that it was to wait for.
func TestReexecUnseen(t *testing.T) {
	var errs bytes.Buffer
	m := &Manager{Console: NewConsole(io.Discard, &errs, Terminal{}), byInst: map[*server.Instance]*result{}, warned: map[string]bool{}}
	var all []*server.Reexec
	for _, conf := range []string{"/etc/demo/1.conf", "/etc/demo/2.conf"} {
		i := &server.Instance{Program: &aliases.Program{Name: "demo-server"}, Conf: conf}
		all = append(all, &server.Reexec{Instance: i, Process: pidfile.FromPidfd(812, -1)}) // epoll_ctl(2) takes no such descriptor
	}
	if status := m.awaitReexec(context.Background(), all); status != Failed {
		t.Errorf("status %d", status)
	}
	for _, r := range all {
		want := "mgr: demo-server (812 - " + r.Instance.Conf + ") was asked to re-execute itself: nobody waits for it any more: epoll_ctl: bad file descriptor\n"
		if !strings.Contains(errs.String(), want) || m.byInst[r.Instance].Error == "" {
			t.Errorf("%q has no %q; in the document: %q", errs.String(), want, m.byInst[r.Instance].Error)
		}
	}
}
