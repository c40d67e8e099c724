package manager

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"mgr/pidfile"
	"mgr/server"
)

// The verdicts of a check.
const (
	verdictOK      = "ok"
	verdictWarning = "warning"
	verdictFailed  = "failed"
	verdictUnknown = "unknown" // it cannot be told, for want of permission say
	verdictSkipped = "skipped" // there was no point in it, or it was a dry run
)

// A check is one thing that why has looked at.
type check struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`        // ok, warning, failed, unknown or skipped
	Detail  string `json:"detail"`         // what was seen
	Next    string `json:"next,omitempty"` // the command to type next

	cause string // why the server does not run, in a sentence with it; "": Detail
}

// causes are the names of checks in the order in which a failure explains that a
// server does not run: what was seen to end it, what would end it again, and last
// what just shows that it has ended.
var causes = []string{"copies", "memory", "profile", "conf", "syntax", "user", "command", "directory", "run dir", "disk",
	"logs", "test", "port", "limits", "pidfile"}

// An exam is what why does about one instance.
type exam struct {
	m       *Manager
	i       *server.Instance
	f       pidfile.Finding
	copies  server.Untracked
	unseen  error // why copies could not be looked for
	checks  []check
	process *pidfile.Process // of a server that runs; nil: it does not
	// obstacles are what of the profile keeps the server from being started.
	obstacles []server.Obstacle
}

// why tells what keeps each instance from running: the cause first, in one
// sentence, then all that was looked at. It only reads, but for the program's own
// test of its conf.
func (m *Manager) why(ctx context.Context, servers []*server.Server) int {
	status := m.unfound(servers)
	all := instances(servers)
	copies, err := m.Fleet.Untracked(all, nil)
	if err != nil {
		m.problem(nil, "cannot look for servers without a pidfile: %v", err)
		status = Failed
	}
	for n, i := range all {
		if ctx.Err() != nil {
			m.problem(i, "interrupted: %s (%s) was not looked at", i, subject(i))
			status = Failed
			continue
		}
		if n > 0 {
			m.Console.Say("")
		}
		e := &exam{m: m, i: i, copies: copies[i], unseen: err}
		if e.run(ctx); e.wrong() {
			status = Failed
		}
	}
	return status
}

// run looks at everything, and prints it.
func (e *exam) run(ctx context.Context) {
	e.f = e.i.Inspect()
	defer e.f.Process.Close()
	e.process = e.f.Process
	r := e.m.found(e.i, e.f)
	for _, look := range []func(*exam){
		(*exam).profile, (*exam).conf, (*exam).syntax, (*exam).keys, (*exam).user, (*exam).command, (*exam).places, (*exam).disk,
		func(e *exam) { e.test(ctx) }, (*exam).limits, (*exam).pidfile, (*exam).copied, (*exam).port, (*exam).killed, (*exam).memory, (*exam).output,
	} {
		look(e)
	}
	r.Checks = e.checks
	failed := e.failed()
	if len(failed) > 0 {
		r.Why = failed[0].sentence()
	}
	e.print(failed)
}

// add notes a check.
func (e *exam) add(verdict, name, format string, args ...any) *check {
	e.checks = append(e.checks, check{Name: name, Verdict: verdict, Detail: fmt.Sprintf(format, args...)})
	return &e.checks[len(e.checks)-1]
}

// fail notes a failure, and what to type next.
func (e *exam) fail(name, next, format string, args ...any) *check {
	c := e.add(verdictFailed, name, format, args...)
	c.Next = next
	return c
}

// is says whether the last check of that name has the verdict.
func (e *exam) is(name, verdict string) bool {
	return slices.ContainsFunc(e.checks, func(c check) bool { return c.Name == name && c.Verdict == verdict })
}

func (c check) sentence() string { return cmp.Or(c.cause, c.Detail) }

// failed are the failures, the best explanation first.
func (e *exam) failed() []check {
	var out []check
	for _, name := range causes {
		for _, c := range e.checks {
			if c.Name == name && c.Verdict == verdictFailed {
				out = append(out, c)
			}
		}
	}
	return out
}

func (e *exam) wrong() bool { return len(e.failed()) > 0 || e.f.State == pidfile.Unknown }

// print says the cause in one line, then what was looked at, then what to type.
func (e *exam) print(failed []check) {
	c, i := e.m.Console, e.i
	color := red
	if len(failed) == 0 && e.process != nil {
		color = green
	}
	c.Paint(color, "%s", e.headline(failed))
	if e.wrong() {
		e.m.result(i).fail("%s", e.headline(failed))
	}
	for _, check := range e.checks {
		verdict := check.Verdict
		if verdict == verdictFailed {
			verdict = strings.ToUpper(verdict)
		}
		c.Say("  %-7s  %-9s  %s", verdict, check.Name, check.Detail)
	}
	var told []string
	for _, check := range append(failed, e.checks...) {
		if check.Next == "" || slices.Contains(told, check.Next) {
			continue
		}
		told = append(told, check.Next)
		c.Say("  try: %s", check.Next)
	}
	c.Flush()
}

// headline names the cause.
func (e *exam) headline(failed []check) string {
	who := e.i.String() + " (" + subject(e.i) + ")"
	pids := e.copies.PIDs
	switch {
	case e.f.State == pidfile.Unknown:
		return fmt.Sprintf("%s: it cannot be told whether it runs: %v", who, e.f.Err)
	case e.process != nil && len(failed) > 0:
		return fmt.Sprintf("%s runs (pid %d), but %s", who, e.f.Record.PID, failed[0].sentence())
	case e.process != nil:
		return fmt.Sprintf("%s runs: pid %d, %s", who, e.f.Record.PID, e.m.Fleet.Reader.Describe(e.f.Record.PID))
	case len(pids) == 1 && !e.copies.Alike:
		return fmt.Sprintf("%s runs without a pidfile: pid %d, %s", who, pids[0], e.m.Fleet.Reader.Describe(pids[0]))
	}
	return fmt.Sprintf("%s does not run: %s", who, failed[0].sentence())
}
