package aliases

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An empty value undoes what [defaults] says, whatever the key.
func TestDefaultsUndone(t *testing.T) {
	for _, tt := range keyTests {
		if tt.key == "command" || tt.key == "exitcodes" {
			continue // the one has to be there, of the other an empty value says something
		}
		text := "[defaults]\n" + tt.key + " = " + tt.value + "\n[program:web-worker]\ncommand = x\n" + tt.key + " =\n"
		p, err := parse(text)
		if tt.value == "" && err == nil {
			continue
		}
		if err != nil {
			t.Errorf("%s = %s: %v", tt.key, tt.value, err)
			continue
		}
		want := defaultProgram("web-worker")
		want.Command, want.Ready, want.GroupOrder = []string{"x"}, ReadyStarted, want.Priority
		if diff := cmp.Diff(want, p.Programs[0], quiet); diff != "" {
			t.Errorf("%s = %s (-want +got):\n%s", tt.key, tt.value, diff)
		}
	}
}

func TestDefaultsUndoneCorners(t *testing.T) {
	const head = "[defaults]\ncommand = y\nnice = 5\nexitcodes = 1\nuser = b\nenvironment = A=1\nmatch = *%(ENV_A)s\n[supervisord]\nuser = a\nenvironment = B=2\n"
	tests := []struct {
		name, program string
		has           func(p *Program) bool
	}{
		{"no code is a good one", "exitcodes =", func(p *Program) bool { return len(p.ExitCodes) == 0 && *p.Nice == 5 }},
		{"what supervisord gives stays", "user =", func(p *Program) bool { return p.User == "a" }},
		{"its environment too", "environment =\nmatch =", func(p *Program) bool {
			return len(p.Environment) == 1 && p.Environment[0].Name == "B" && p.Match == ""
		}},
	}
	for _, tt := range tests {
		p, err := parse(head + "[program:x]\ncommand = x\n" + tt.program + "\n")
		if err != nil || !tt.has(p.Programs[0]) {
			t.Errorf("%s: got %v, %+v", tt.name, err, p)
		}
	}
	for program, want := range map[string]string{
		"command = x\numask =":       `umask: "" is no octal mode such as 022`, // [defaults] has none
		"command =":                  "no command",
		"command = x\nenvironment =": "match: %(ENV_A)s: there is no such environment variable",
		"command = x\nnice =\n[defaults]\nstartsecs = x": "[defaults]: the section again, first in line 1",
	} {
		_, err := parse(head + "[program:x]\n" + program + "\n")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", program, err, want)
		}
	}
	if _, err := parse("[defaults]\nnice = high\n[program:x]\ncommand = x\nnice =\n"); err == nil || !strings.Contains(err.Error(), `nice: "high"`) {
		t.Errorf("what is wrong in [defaults] is wrong even if it is undone: got %v", err)
	}
}
