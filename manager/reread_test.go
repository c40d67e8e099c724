package manager

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"mgr/pidfile"
)

// Where it cannot be told whether a server that was to read its conf anew runs on as
// another process, it is not said to have died.
func TestRebornUnknown(t *testing.T) {
	m, i, cmd := sleeper(t)
	var errs bytes.Buffer
	m.Console = NewConsole(io.Discard, &errs, Terminal{})
	i.Program.Command = []string{"%(nothing)s"} // what it must look like cannot be told
	p, err := pidfile.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	status := m.reborn(&target{i: i, process: p})
	if got := errs.String(); status != Failed || strings.Contains(got, "died") || !strings.Contains(got, "cannot be told: ") || !strings.Contains(got, "nothing") {
		t.Errorf("status %d: %q", status, got)
	}
}
