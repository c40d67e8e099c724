package manager

import (
	"fmt"
	"strings"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// A result is what a command found and did about one instance: a row of the
// JSON document. What a dry run says in it is foretold.
type result struct {
	Server     string           `json:"server"`
	Conf       string           `json:"conf,omitempty"`
	Pidfile    string           `json:"pidfile"`
	Command    string           `json:"command,omitempty"`
	Program    *server.Resolved `json:"program,omitempty"`      // of list
	Before     string           `json:"state_before,omitempty"` // of what looks at processes
	After      string           `json:"state_after,omitempty"`
	PIDBefore  int              `json:"pid_before,omitempty"`
	PIDAfter   int              `json:"pid_after,omitempty"`
	Action     string           `json:"action,omitempty"`  // several: stop,start
	Signal     string           `json:"signal,omitempty"`  // the last that the server was to get
	Signals    []sentSignal     `json:"signals,omitempty"` // those that were sent, in their order
	Changed    bool             `json:"changed"`
	Seconds    float64          `json:"seconds"`
	ExitStatus *int             `json:"exit_status,omitempty"`
	Stale      []string         `json:"stale,omitempty"` // what it has an older version of than the disk
	Output     string           `json:"output,omitempty"`
	Logs       []logTail        `json:"logs,omitempty"`     // of logs
	Stats      *stats           `json:"stats,omitempty"`    // of stats
	Error      string           `json:"error,omitempty"`    // several: with "; " in between
	Warnings   []string         `json:"warnings,omitempty"` // what is no failure
	Why        string           `json:"why,omitempty"`      // of status and why: what keeps it from running, as far as can be seen
	Checks     []check          `json:"checks,omitempty"`   // of why: what was looked at
}

// A sentSignal is one that was sent to a process of an instance.
type sentSignal struct {
	PID    int    `json:"pid"`
	Signal string `json:"signal"`
}

// result gives the row of i, which it makes at the first call.
func (m *Manager) result(i *server.Instance) *result {
	if m.unread != nil {
		*m.unread = result{}
		return m.unread
	}
	r := m.byInst[i]
	if r == nil {
		r = &result{Server: i.Program.Name, Conf: i.Conf, Pidfile: i.Pidfile}
		m.byInst[i] = r
	}
	return r
}

// fail adds to what is wrong.
func (r *result) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case r.Error == "":
		r.Error = text
	case !strings.Contains(r.Error, text):
		r.Error += "; " + text
	}
}

// undone notes that the last action came to nothing.
func (r *result) undone(action string) {
	r.Action = strings.TrimSuffix(strings.TrimSuffix(r.Action, action), ",")
	r.Changed = r.Action != "" || r.Before != r.After
}

// recover notes that what was wrong is so no more.
func (r *result) recover() {
	if r.Error != "" {
		r.Warnings = append(r.Warnings, r.Error)
		r.Error = ""
	}
}

// found notes the state that i was found in.
func (m *Manager) found(i *server.Instance, f pidfile.Finding) *result {
	m.meet(i, false)
	r := m.result(i)
	if r.Before == "" {
		r.Before = f.State.String()
		r.PIDBefore = f.Record.PID
	}
	if !m.foretold(i) {
		r.After, r.PIDAfter = f.State.String(), f.Record.PID
	}
	return r
}

// foretold says whether a dry run has come to a state of i that is yet to be.
func (m *Manager) foretold(i *server.Instance) bool {
	return m.Options.DryRun && m.result(i).Changed
}

// meet takes down that i was looked at, or touched.
func (m *Manager) meet(i *server.Instance, touched bool) {
	if m.met != nil {
		m.met[i] = m.met[i] || touched
	}
}

// removePidfile is the action of taking away what names no server.
const removePidfile = "remove-pidfile"

// did notes what was done about i, and what came of it.
func (m *Manager) did(i *server.Instance, action string, after pidfile.State, pid int) *result {
	m.meet(i, action != removePidfile)
	r := m.result(i)
	r.began(action)
	r.After, r.PIDAfter = after.String(), pid
	r.Seconds = time.Since(m.begun).Seconds()
	return r
}

// began notes that something was done, whatever comes of it.
func (r *result) began(action string) {
	if r.Action == "" {
		r.Action = action
	} else if last := r.Action[strings.LastIndexByte(r.Action, ',')+1:]; last != action {
		r.Action += "," + action
	}
	r.Changed = true
}
