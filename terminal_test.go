package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// onTerminal runs a command on a terminal of tmux:
//
//	terminal COLUMNSxROWS N COMMAND...  its exit status has to be N
//
// The file screen is then what stands on the terminal in the end, colours the same
// with the escape sequences of its colours, and raw all that was ever written to it.
func onTerminal(ts *testscript.TestScript, _ bool, args []string) {
	columns, rows, ok := strings.Cut(args[0], "x")
	if !ok || len(args) < 3 {
		ts.Fatalf("usage: terminal COLUMNSxROWS STATUS COMMAND...")
	}
	before, err := filepath.Glob(ts.MkAbs("tmux*"))
	ts.Check(err)
	socket := ts.MkAbs(fmt.Sprintf("tmux%d", len(before))) // its server may still be on its way out
	tmux := func(args ...string) string {
		ts.Check(ts.Exec("timeout", append([]string{"30", "tmux", "-S", socket, "-f", "tm.conf"}, args...)...))
		return ts.ReadFile("stdout")
	}
	writeIn(ts, "tm.conf", "set -g status off\nset -g default-shell /bin/sh\n")
	self := "tmux -S '" + socket + "' wait-for "
	tmux("new-session", "-d", "-x", columns, "-y", rows,
		fmt.Sprintf(`%sgo; %s; echo $? >code; printf '\033]2;over\n\007'; exec cat`, self, quoted(args[2:])))
	defer func() { tmux("kill-server") }()
	// The last that is written is a title with a line end in it, which shows nothing:
	// once that is read, tmux has passed on all before it.
	tmux("pipe-pane", "-O", `sed -u '/]2;over/{s/.]2;over.*//;q}' >raw; `+self+"-S done")
	tmux("wait-for", "-S", "go")
	tmux("wait-for", "done")
	writeIn(ts, "screen", strings.TrimRight(tmux("capture-pane", "-p"), "\n")+"\n")
	writeIn(ts, "colours", tmux("capture-pane", "-p", "-e"))
	if code := strings.TrimSpace(ts.ReadFile("code")); code != args[1] {
		ts.Fatalf("exit status %s, want %s; on the screen:\n%s", code, args[1], ts.ReadFile("screen"))
	}
}

func writeIn(ts *testscript.TestScript, name, text string) {
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
}

// quoted are words for a shell; those that are operators stay.
func quoted(words []string) string {
	var out []string
	for _, w := range words {
		if w != "|" && w != "2>&1" {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
