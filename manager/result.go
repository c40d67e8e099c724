package manager

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// schemaVersion is the version of the JSON document. It grows when a key
// changes its meaning or goes.
const schemaVersion = 1

// A Result is what a command found and did about one instance: a row of the
// JSON document.
type Result struct {
	Server     string           `json:"server"`
	Conf       string           `json:"conf,omitempty"`
	Pidfile    string           `json:"pidfile"`
	Command    string           `json:"command,omitempty"`
	Program    *server.Resolved `json:"program,omitempty"` // of list
	Before     string           `json:"state_before,omitempty"`
	After      string           `json:"state_after,omitempty"`
	PIDBefore  int              `json:"pid_before,omitempty"`
	PIDAfter   int              `json:"pid_after,omitempty"`
	Action     string           `json:"action,omitempty"`
	Signal     string           `json:"signal,omitempty"`
	Changed    bool             `json:"changed"`
	Seconds    float64          `json:"seconds"`
	ExitStatus *int             `json:"exit_status,omitempty"`
	Stale      []string         `json:"stale,omitempty"` // what it has an older version of than the disk
	Output     string           `json:"output,omitempty"`
	Logs       []Logs           `json:"logs,omitempty"`  // of logs
	Stats      *Stats           `json:"stats,omitempty"` // of stats
	Error      string           `json:"error,omitempty"`
	Why        string           `json:"why,omitempty"`    // of status and why: what keeps it from running, as far as can be seen
	Checks     []Check          `json:"checks,omitempty"` // of why: what was looked at
}

type document struct {
	Schema    int       `json:"schema"`
	Command   string    `json:"command"`
	OK        bool      `json:"ok"`
	Status    int       `json:"status"`
	Changed   bool      `json:"changed"`
	DryRun    bool      `json:"dry_run"`
	Seconds   float64   `json:"seconds"`
	Instances []*Result `json:"instances"`
}

// result gives the row of i, which it makes at the first call.
func (m *Manager) result(i *server.Instance) *Result {
	if m.unread != nil {
		*m.unread = Result{}
		return m.unread
	}
	r := m.byInst[i]
	if r == nil {
		r = &Result{Server: i.Program.Name, Conf: i.Conf, Pidfile: i.Pidfile}
		m.byInst[i] = r
		m.results = append(m.results, r)
	}
	return r
}

func (r *Result) fail(format string, args ...any) { r.Error = fmt.Sprintf(format, args...) }

// found notes the state that i was found in.
func (m *Manager) found(i *server.Instance, f pidfile.Finding) *Result {
	if m.met != nil {
		m.met[i] = true
	}
	r := m.result(i)
	if r.Before == "" {
		r.Before = f.State.String()
		r.PIDBefore = f.Record.PID
	}
	r.After, r.PIDAfter = f.State.String(), f.Record.PID
	return r
}

// did notes what was done about i.
func (m *Manager) did(i *server.Instance, action string, after pidfile.State, pid int) *Result {
	r := m.result(i)
	if r.Action == "" {
		r.Action = action
	} else if last := r.Action[strings.LastIndexByte(r.Action, ',')+1:]; last != action {
		r.Action += "," + action
	}
	r.After, r.PIDAfter = after.String(), pid
	r.Changed = true
	r.Seconds = time.Since(m.begun).Seconds()
	return r
}

func (m *Manager) printJSON(command string, status int) {
	doc := document{
		Schema: schemaVersion, Command: command, OK: status == OK, Status: status, DryRun: m.Options.DryRun,
		Seconds: time.Since(m.begun).Seconds(), Instances: m.results,
	}
	if doc.Instances == nil {
		doc.Instances = []*Result{}
	}
	for _, r := range m.results {
		doc.Changed = doc.Changed || r.Changed
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		m.Console.Warn("%v", err)
		return
	}
	m.Console.Print(plain(b.String()))
}

// plain escapes, in a JSON document, what would act on a terminal: it stands in
// strings only.
func plain(doc string) string {
	var b strings.Builder
	for _, r := range doc {
		if r > 0x7e && hidden(r) && r <= 0xffff {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
