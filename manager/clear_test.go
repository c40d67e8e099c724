package manager

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
)

// TestLost: that a pidfile which led to workers is lost is said, and what that means.
func TestLost(t *testing.T) {
	m, i, _ := sleeper(t)
	if err := os.RemoveAll(m.Fleet.RunDir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.Fleet.RunDir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	m.Console = NewConsole(io.Discard, &errs, Terminal{})
	s := &starting{m: m, left: map[*server.Instance]pidfile.Record{i: {PID: 4711}}}
	s.restore(i)
	m.Console.Flush()
	want := "mgr: sleep (" + i.Pidfile + "): the pidfile that led to the workers of the dead pid 4711 could not be put back: "
	if !strings.HasPrefix(errs.String(), want) || !strings.HasSuffix(errs.String(), "\n  no stop will find them\n") {
		t.Errorf("got %q", errs.String())
	}
}

// TestKeep: the pidfile of a server that has died at its start stays where nobody can see
// whether it leads to workers.
func TestKeep(t *testing.T) {
	m, i, cmd := sleeper(t)
	var errs bytes.Buffer
	m.Console = NewConsole(io.Discard, &errs, Terminal{})
	p, err := pidfile.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	i.Inspect().Process.Close() // the run directory is open from now on
	s := &starting{m: m, left: map[*server.Instance]pidfile.Record{}}
	c := &server.Child{Instance: i, Process: p}
	before := i.Inspect()
	before.Process.Close()
	withoutDescriptors(t, func() {
		if err := i.Restore(before.Record); !pidfile.Scarce(err) {
			t.Errorf("put back: %v", err)
		}
		if !s.keep(c) {
			t.Error("the pidfile goes")
		}
	})
	m.Console.Flush()
	if !strings.HasSuffix(errs.String(), "too many open files: pidfile \""+i.Pidfile+"\" kept\n") {
		t.Errorf("got %q", errs.String())
	}
}

// withoutDescriptors calls f where none can be had.
func withoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: had.Max}); err != nil {
		t.Fatal(err)
	}
	f()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
}
