package manager

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// TestUntrackedScarce: where descriptors are missing to look for a server without a pidfile,
// no other one is started, and a stop does not say that all is well.
func TestUntrackedScarce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	profile, err := aliases.Parse(aliases.Source{}, []byte("[program:x]\ncommand = "+dir+"/x\nmatch = x*\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := &server.Fleet{Profile: profile, RunDir: t.TempDir()}
	defer f.Close()
	servers, err := f.Servers([]*aliases.Target{aliases.Whole(profile.Programs[0])}, 0)
	if err != nil {
		t.Fatal(err)
	}
	i := servers[0].Instances[0]
	withoutDescriptors(t, func() { i.Inspect().Process.Close() }) // its command is looked at once
	var errs bytes.Buffer
	m := &Manager{Fleet: f, Console: NewConsole(io.Discard, &errs, Terminal{}), byInst: map[*server.Instance]*result{}, warned: map[string]bool{}}
	begin := &starting{m: m, loose: map[*server.Instance][]int{}}
	if found := begin.inspect([]*server.Instance{i})[i]; found.State != pidfile.Unknown || !pidfile.Scarce(found.Err) {
		t.Errorf("before a start: %v, %v", found.State, found.Err)
	}
	end := &stopping{m: m, missing: []*server.Instance{i}, ran: map[*aliases.Program]bool{}}
	end.sayLoose(t.Context())
	m.Console.Flush()
	if want := "mgr: cannot look for servers without a pidfile: "; !end.failed || !end.ran[i.Program] || !strings.HasPrefix(errs.String(), want) {
		t.Errorf("stop: failed: %t, %q", end.failed, errs.String())
	}
}

func TestPIDs(t *testing.T) {
	tests := []struct {
		pids               []int
		listed, line, cell string
	}{
		{[]int{12}, "12", "12", "12"},
		{[]int{12, 13}, "12 and 13", "12 13", "12,13"},
		{[]int{12, 13, 14}, "12, 13 and 14", "12 13 14", "12,13,14"},
	}
	for _, tt := range tests {
		if got := listPIDs(tt.pids); got != tt.listed {
			t.Errorf("in a sentence: %q, want %q", got, tt.listed)
		}
		if got := joinPIDs(tt.pids, " "); got != tt.line {
			t.Errorf("in a line of status: %q, want %q", got, tt.line)
		}
		if got := joinPIDs(tt.pids, ","); got != tt.cell {
			t.Errorf("in a cell: %q, want %q", got, tt.cell)
		}
	}
}
