package manager

import (
	"bytes"
	"io"
	"testing"
	"time"

	"mgr/pidfile"
)

// What leads on from a process that hangs is said once, and of none that was not tried: it
// may be as sound as any.
func TestBlockedHint(t *testing.T) {
	const hint = "  ps and pgrep wait for it as well; ls -l /proc/12/fd shows what it has open, kill -KILL 12 may end it\n"
	tests := []struct {
		name string
		err  pidfile.BlockedError
		want string
	}{
		{"tried", pidfile.BlockedError{PID: 12, Since: time.Now()}, hint},
		{"one of too many", pidfile.BlockedError{PID: 12}, ""},
		{"interrupted", pidfile.BlockedError{PID: 12, Interrupted: true}, ""},
	}
	for _, tt := range tests {
		var errs bytes.Buffer
		m := &Manager{Console: NewConsole(io.Discard, &errs, Terminal{}), warned: map[string]bool{}}
		line := "mgr: " + tt.err.Error() + "\n"
		m.problem(nil, "%v", &tt.err)
		(&statsView{m: m}).fail(nil, "again: %v", &tt.err)
		if got, want := errs.String(), line+tt.want+"mgr: again: "+tt.err.Error()+"\n"; got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", tt.name, got, want)
		}
	}
	var errs bytes.Buffer
	m := &Manager{Console: NewConsole(io.Discard, &errs, Terminal{}), warned: map[string]bool{}}
	(&statsView{m: m}).fail(nil, "%v", &tests[0].err)
	if got, want := errs.String(), "mgr: "+tests[0].err.Error()+"\n"+hint; got != want {
		t.Errorf("stats:\n%s\nwant:\n%s", got, want)
	}
}
