package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
)

// schemaVersion is the version of the JSON document, which
// testdata/schema/mgr-1.json describes. It grows when a key changes its meaning
// or goes.
const schemaVersion = 1

// A document is what --json prints.
type document struct {
	Schema    int       `json:"schema"`
	Command   string    `json:"command"` // "": it was not understood
	OK        bool      `json:"ok"`
	Status    int       `json:"status"` // what mgr exits with
	Changed   bool      `json:"changed"`
	DryRun    bool      `json:"dry_run"`
	Seconds   float64   `json:"seconds"`
	Errors    []string  `json:"errors"`          // about no one instance
	Warnings  []string  `json:"warnings"`        // about no one instance, and no failure
	Steps     []string  `json:"steps,omitempty"` // of a dry run: its lines
	Text      string    `json:"text,omitempty"`  // of what only prints one
	Instances []*result `json:"instances"`
}

// An Interrupted is the cause of a context that a signal has ended.
type Interrupted struct{ Signal syscall.Signal }

// Error names the signal.
func (i Interrupted) Error() string { return "interrupted by " + signalName(i.Signal) }

// Status is what an interrupted mgr exits with.
func (i Interrupted) Status() int { return 128 + int(i.Signal) }

// Refuse reports what keeps a command from being run at all: on stderr and, with
// --json, in a document, which has the status. name is the command's, "" if the
// words name none.
func (m *Manager) Refuse(name string, status int, errs []error) int {
	m.begun = time.Now()
	for _, err := range errs {
		m.problem(nil, "%v", err)
	}
	if !m.Options.JSON {
		return status
	}
	return m.printJSON(name, status, nil)
}

// Tell prints a text that is all there is to say: with --json in a document, where name
// stands in the place of the command's.
func (m *Manager) Tell(name, text string) int {
	m.begun = time.Now()
	status := m.print(text)
	if !m.Options.JSON {
		return m.Console.Printed(status, Failed)
	}
	return m.printJSON(name, status, nil)
}

// problem reports an error that is not an event: on stderr, and in the document.
func (m *Manager) problem(i *server.Instance, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.Console.Warn("%s", text)
	m.blockedHint(args)
	m.scarceHint(args)
	m.fault(i, text)
}

// scarceHint says once what leads on if descriptors are too few.
func (m *Manager) scarceHint(args []any) {
	for _, arg := range args {
		if err, is := arg.(error); is && errors.Is(err, unix.EMFILE) && !m.warned["EMFILE"] {
			m.warned["EMFILE"] = true
			m.Console.Hint("mgr may open %d files at once: ulimit -n 64, or more, is enough for it, and one for each worker of a server", openFiles())
		}
	}
}

// blockedHint says, once for each process that keeps whoever reads of it waiting,
// what leads on. Of one that was not tried nobody knows that it does.
func (m *Manager) blockedHint(args []any) {
	for _, arg := range args {
		var be *pidfile.BlockedError
		if err, is := arg.(error); is && errors.As(err, &be) && !be.Since.IsZero() && !m.warned[be.Path] {
			m.warned[be.Path] = true
			m.Console.Hint("ps and pgrep wait for it as well; %s shows what it has open, kill -KILL %d may end it", lookAt(be), be.PID)
		}
	}
}

// lookAt is what to type to see more of a process that hangs.
func lookAt(be *pidfile.BlockedError) string { return "ls -l /proc/" + itoa(be.PID) + "/fd" }

// fault is problem for what the user is told otherwise.
func (m *Manager) fault(i *server.Instance, text string) {
	if i != nil {
		m.result(i).fail("%s", text)
		return
	}
	m.errors = append(m.errors, text)
}

// warn reports what is no failure: on stderr, and in the document.
func (m *Manager) warn(i *server.Instance, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.Console.Warn("%s", text)
	if i != nil {
		r := m.result(i)
		r.Warnings = append(r.Warnings, text)
		return
	}
	m.warnings = append(m.warnings, text)
}

// remark prints a line that swift-init has on stdout and mgr on stderr, and adds it
// to the errors or the warnings.
func (m *Manager) remark(list *[]string, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	*list = append(*list, text)
	if m.Options.Compat {
		m.Console.Say("%s", text)
		return
	}
	m.Console.Warn("%s", text)
}

// note prints a line for -v.
func (m *Manager) note(format string, args ...any) {
	if m.Options.Verbose {
		m.Console.Say(format, args...)
	}
}

// would prints a step of a dry run.
func (m *Manager) would(format string, args ...any) {
	text := "Would " + fmt.Sprintf(format, args...)
	m.steps = append(m.steps, text)
	m.Console.Say("%s", text)
}

// print prints a text that is all that a command is for.
func (m *Manager) print(text string) int {
	m.text = text
	if !m.Options.JSON {
		m.Console.Print(text)
	}
	return OK
}

// tense picks the words for what is done, or for what a dry run would do.
func (m *Manager) tense(does, would string) string {
	if m.Options.DryRun {
		return would
	}
	return does
}

// exitStatus is what mgr exits with, once a command is over.
func (m *Manager) exitStatus(ctx context.Context, status int) int {
	var by Interrupted
	switch {
	case m.Options.Compat:
		return min(status, Failed)
	case errors.As(context.Cause(ctx), &by):
		m.fault(nil, by.Error())
		return by.Status()
	}
	return status
}

// rows gives every instance that was selected its row, in the order of the
// selection, and the state of those that were not looked at.
func (m *Manager) rows(cmd Command, status int) []*result {
	all := instances(m.selection)
	var blank []*server.Instance
	rows := make([]*result, 0, len(all))
	for _, i := range all {
		r := m.result(i)
		rows = append(rows, r)
		if r.Before == "" && !cmd.blind {
			blank = append(blank, i)
		}
	}
	next := server.Inspections(blank)
	for _, i := range blank {
		r := m.found(i, next())
		if status != OK && !cmd.all && !i.Orphan && r.Error == "" {
			r.fail("not begun")
		}
	}
	return rows
}

// printJSON prints the document and gives the exit status: success only if
// somebody could get it.
func (m *Manager) printJSON(command string, status int, rows []*result) int {
	doc := document{
		Schema: schemaVersion, Command: command, OK: status == OK, Status: status, DryRun: m.Options.DryRun,
		Seconds: time.Since(m.begun).Seconds(), Errors: orNone(m.errors), Warnings: orNone(m.warnings),
		Steps: m.steps, Text: m.text, Instances: orNone(rows),
	}
	for _, r := range rows {
		doc.Changed = doc.Changed || r.Changed
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	if err == nil {
		m.Console.Print(plain(b.String()))
		err = m.Console.Flush()
	}
	if err == nil {
		return status
	}
	m.Console.Warn("the JSON document could not be written: %v", cause(err))
	return max(status, Failed)
}

// orNone is the list, or an empty one: null is no list.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// plain escapes, in a JSON document, what would act on a terminal: it stands in
// strings only.
func plain(doc string) string {
	var b strings.Builder
	for _, r := range doc {
		switch {
		case r <= 0x7e || !hidden(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, "\\u%04x\\u%04x", high, low)
		}
	}
	return b.String()
}

// deliver sends a process of i a signal, and says so. A dry run sends none, and
// finds out whether it could: kill(2) of the signal 0.
func (m *Manager) deliver(i *server.Instance, p *pidfile.Process, sig unix.Signal) error {
	send := sig
	if m.Options.DryRun {
		m.would("signal %s  pid: %d  signal: %d", i, p.PID(), sig)
		send = 0
	} else {
		m.Console.Say("Signal %s  pid: %d  signal: %d", i, p.PID(), sig)
	}
	err := p.Signal(send)
	if err == nil {
		r := m.result(i)
		r.Signals = append(r.Signals, sentSignal{PID: p.PID(), Signal: signalName(sig)})
	}
	return err
}
