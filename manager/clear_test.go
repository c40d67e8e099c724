package manager

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

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
