package manager

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// What keeps a stop from waiting is said, once, of each server that is left.
func TestUnwatched(t *testing.T) {
	var errs bytes.Buffer
	m := &Manager{Console: NewConsole(io.Discard, &errs, Terminal{}), byInst: map[*server.Instance]*result{}, warned: map[string]bool{}}
	x := &waiting{s: &stopping{m: m}, w: new(pidfile.Waiter)} // of which no descriptor is an epoll instance
	p := &aliases.Program{Name: "demo-server"}
	for n, conf := range []string{"/etc/demo/1.conf", "/etc/demo/2.conf", "/etc/demo/3.conf"} {
		i := &server.Instance{Program: p, Conf: conf}
		x.left = append(x.left, &target{i: i, process: pidfile.FromPidfd(811+n, -1), deadline: time.Now().Add(time.Minute), gone: n == 2})
	}
	x.reap()
	x.until(context.Background(), 0)
	x.until(context.Background(), 0)
	const want = "mgr: demo-server (811 - /etc/demo/1.conf) was signalled, and nobody waits for it any more: epoll_wait: invalid argument\n" +
		"mgr: demo-server (812 - /etc/demo/2.conf) was signalled, and nobody waits for it any more: epoll_wait: invalid argument\n"
	if errs.String() != want {
		t.Errorf("%s\nwant:\n%s", errs.String(), want)
	}
}

// TestHandles: some descriptors are left for what else takes them.
func TestHandles(t *testing.T) {
	for limit, want := range map[uint64]int{
		0: 2, 1: 2, 16: 2, 64: 26, 100: 44, 127: 63, 128: 64, 129: 65, 1024: 960, 1 << 40: 1 << 20, unix.RLIM_INFINITY: 1 << 20,
	} {
		if got := handlesOf(limit); got != want {
			t.Errorf("of %d: %d, want %d", limit, got, want)
		}
	}
}
