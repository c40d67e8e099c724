package manager

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"mgr/pidfile"
	"mgr/server"
	"mgr/server/logtail"
)

// defaultLines is how many lines of each log are shown.
const defaultLines = 50

// A logTail is what a document of logs has of one log.
type logTail struct {
	Stream string   `json:"stream"` // stdout, stderr, or output for both
	Path   string   `json:"path"`
	Lines  []string `json:"lines"`
}

// logs shows the last lines that servers wrote, and, to follow them, the next ones.
func (m *Manager) logs(ctx context.Context, servers []*server.Server) int {
	v := &logView{m: m, strict: m.strict(servers), lines: defaultLines, shown: map[*server.Instance]bool{}, unseen: map[*server.Instance]error{}}
	if m.Options.Lines != nil {
		v.lines = *m.Options.Lines
	}
	for _, s := range servers {
		v.find(s)
	}
	v.name()
	switch {
	case m.Options.DryRun:
		v.announce()
	case m.Options.Follow:
		v.follow(ctx)
	default:
		v.show()
	}
	if !m.Options.Follow || m.Options.DryRun {
		v.complain()
	}
	if v.failed {
		return Failed
	}
	return OK
}

// A logView is what logs is about to show.
type logView struct {
	m      *Manager
	strict bool // a missing conf is an error
	lines  int
	all    []*server.Instance
	logs   []*viewed
	shown  map[*server.Instance]bool  // those of which there is some log
	unseen map[*server.Instance]error // why some could not be looked for
	failed bool
	held   *gathered // the last lines, until all are there; nil: lines are printed as they come
}

// A viewed is one log, and whose it is: several servers may write to one file.
type viewed struct {
	server.Captured
	of     []*server.Instance
	color  string
	prefix string
	err    error // why it cannot be shown
}

// find finds the logs of a server.
func (v *logView) find(s *server.Server) {
	for _, err := range s.Errs {
		v.m.problem(nil, "%s: %v", s.Program.Name, err)
		v.failed = true
	}
	if len(s.Instances) == 0 && v.strict {
		v.m.noConf(s, &v.m.errors)
		v.failed = true
	}
	for _, i := range s.Instances {
		f := i.Inspect()
		v.m.found(i, f)
		captured, err := i.Captured(f.Process)
		f.Process.Close()
		v.unseen[i] = err
		v.all = append(v.all, i)
		for _, c := range captured {
			v.add(i, c)
		}
	}
}

func (v *logView) add(i *server.Instance, c server.Captured) {
	for _, l := range v.logs {
		if l.Log.Path == c.Log.Path && !l.Log.Held && !c.Log.Held {
			l.of = append(l.of, i)
			return
		}
	}
	v.logs = append(v.logs, &viewed{Captured: c, of: []*server.Instance{i}})
}

// logColors are those of names, in turn.
var logColors = []string{"36", "33", "32", "35", "34", "96", "93", "92", "95", "94"}

// name gives each log the prefix of its lines: none if there is one log only, and
// the stream too where an instance has several. What cannot be read does not count,
// unless it is awaited.
func (v *logView) name() {
	several, columns, n := map[*server.Instance]int{}, 0, 0
	for _, l := range v.logs {
		l.err = l.readable()
		if l.err == nil || v.awaits(l.err) {
			several[l.of[0]]++
			n++
		}
	}
	if n < 2 || v.m.Options.Quiet {
		return
	}
	for _, l := range v.logs {
		l.prefix = printable(l.owners(","))
		if several[l.of[0]] > 1 {
			l.prefix += " " + l.Stream
		}
		l.color = logColors[slices.Index(v.all, l.of[0])%len(logColors)]
		columns = max(columns, width(l.prefix))
	}
	for _, l := range v.logs {
		l.prefix = padded(l.prefix, columns) + " | "
	}
}

// awaits says whether a log that could not be opened because of err is waited for.
func (v *logView) awaits(err error) bool { return v.m.Options.Follow && errors.Is(err, fs.ErrNotExist) }

// announce is the dry run.
func (v *logView) announce() {
	for _, l := range v.logs {
		if l.err != nil && !v.awaits(l.err) {
			continue
		}
		v.saw(l)
		whose := l.owners(",") + ", " + l.Stream
		if v.m.Options.Follow {
			v.m.would("follow %s (%s) from the last %d lines on", l.Log.Path, whose, v.lines)
		} else {
			v.m.would("show the last %d lines of %s (%s)", v.lines, l.Log.Path, whose)
		}
	}
}

// readable says why a log cannot be read.
func (l *viewed) readable() error {
	if l.Log.File != nil {
		return nil
	}
	f, err := pidfile.ChaseFile(l.Log.Path)
	if err != nil {
		return err
	}
	return f.Close()
}

// owners names whose log it is.
func (l *viewed) owners(sep string) string {
	var names []string
	for _, i := range l.of {
		names = append(names, i.Label())
	}
	return strings.Join(names, sep)
}

// saw notes that there is something to show of those whose log it is.
func (v *logView) saw(l *viewed) {
	for _, i := range l.of {
		v.shown[i] = true
	}
}

// show prints the last lines of every log, or puts them into the document.
func (v *logView) show() {
	v.gather()
	defer v.release()
	for key, l := range v.logs {
		if l.err != nil {
			continue
		}
		out := logTail{Stream: l.Stream, Path: l.Log.Path, Lines: []string{}}
		l.err = logtail.Last(l.Log, v.lines, func(line []byte) {
			if v.m.Options.JSON {
				out.Lines = append(out.Lines, string(line))
				return
			}
			v.print(key, line)
		})
		if l.err != nil {
			continue
		}
		v.saw(l)
		for _, i := range l.of {
			r := v.m.result(i)
			r.Logs = append(r.Logs, out)
		}
	}
}

// complain says what cannot be shown, and of which servers nothing can.
func (v *logView) complain() {
	for _, l := range v.logs {
		if l.err == nil {
			continue
		}
		nothing := slices.ContainsFunc(l.of, func(i *server.Instance) bool { return !v.shown[i] })
		if missing := errors.Is(l.err, fs.ErrNotExist); missing && !nothing {
			continue // stdout is there, stderr is not
		}
		v.failed = true
		for _, i := range l.of {
			v.m.problem(i, "%s (%s): %s %q: %v", i, subject(i), l.Stream, l.Log.Path, cause(l.err))
			v.shown[i] = true // it has been said why
		}
		v.m.rootHint(l.err, "run it as root, or as the user that owns the file")
	}
	for _, i := range v.all {
		if !v.shown[i] {
			v.failed = true
			v.without(i)
		}
	}
}

// without says that there is no log of a server, or none that could be found.
func (v *logView) without(i *server.Instance) {
	if err := v.unseen[i]; err != nil {
		v.m.problem(i, "%s (%s): cannot see where it writes to: %v", i, subject(i), err)
		v.m.rootHint(err, "run it as root, or as the user that the server runs as")
		return
	}
	v.m.problem(i, "%s (%s): nothing that mgr knows of keeps what it writes", i, subject(i))
	if key := "log of " + i.Program.Name; !v.m.warned[key] {
		v.m.warned[key] = true
		v.hint(i.Program.Name)
	}
}

// rootHint prints a hint on an error that is for want of permission.
func (m *Manager) rootHint(err error, hint string) {
	if errors.Is(err, fs.ErrPermission) {
		m.Console.Hint("%s", hint)
	}
}

// hint says where a log could be had, and where there may be one.
func (v *logView) hint(name string) {
	v.m.Console.Hint("stdout_logfile and stderr_logfile in the profile would")
	for _, line := range syslogs(name, func(path string) bool { _, err := os.Stat(path); return err == nil }) {
		v.m.Console.Hint("%s", line)
	}
}

// syslogs says where a program that logs to syslog may be found, as far as there is
// such a place.
func syslogs(name string, exists func(path string) bool) []string {
	var out []string
	if exists("/run/systemd/journal/socket") {
		out = append(out, "it may log to the journal: journalctl -t "+name)
	}
	for _, path := range []string{"/var/log/syslog", "/var/log/messages"} {
		if exists(path) {
			out = append(out, "it may log to syslog: grep "+name+" "+path)
		}
	}
	return out
}
