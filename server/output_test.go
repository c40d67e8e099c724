package server

import (
	"strings"
	"testing"

	"mgr/aliases"
)

// TestLogsOnce: what a server writes to stdout and stderr, where they are one
// file, is shown once.
func TestLogsOnce(t *testing.T) {
	for name, set := range map[string]func(g *grove){
		"the log directory": func(g *grove) { g.Profile.LogDir = g.root },
		"one log named twice": func(g *grove) {
			p := g.Profile.Programs[0]
			p.StdoutLog, p.StderrLog = aliases.LogFile(g.root+"/well.log"), aliases.LogFile(g.root+"/well.log")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrove(t, "[program:well]\ncommand = /bin/sh -c 'echo one; echo two >&2; exit 3'\n")
			set(g)
			c := g.launch(Mode{}, "well", ended)
			c.ReadLogs()
			if got := string(c.Output); got != "one\ntwo\n" || len(c.Logged) != 1 {
				t.Errorf("%q of %s, want the two lines once", got, strings.Join(c.Logged, ", "))
			}
		})
	}
}
