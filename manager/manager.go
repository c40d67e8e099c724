// Package manager owns the commands: what is done to many servers, in which
// order, under which deadlines, how it escalates, and every word that the user
// reads about it.
//
// How a server is found, launched and looked at is package server's.
package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// Exit statuses. Interrupted commands end with 128 and the signal's number,
// which is main's affair.
const (
	OK     = 0 // the requested state holds
	Failed = 1 // some instance is not in the requested state
	Usage  = 2 // bad usage, unknown server, bad profile: nothing was touched
)

// Options are the options of the command line.
type Options struct {
	Compat  bool // be swift-init: its exit statuses, its strictness, its words
	Verbose bool
	Quiet   bool
	JSON    bool
	DryRun  bool
	All     bool // status: on a terminal, more than it has room for
	Color   bool

	NoWait     bool // start: do not wait until ready
	Once       bool // start: one pass
	Foreground bool // start: stay until they end
	Graceful   bool // stop, kill-children: the graceful signal

	Number   int            // only the conf of this number; 0: all
	KillWait *time.Duration // nil: the program's stopwaitsecs
	LockWait time.Duration  // how long to wait for another mgr
	Kill     bool           // SIGKILL after the kill wait
	Serial   *int           // restart, reload: so many instances at a time, 0 for all; nil: as the command does
	Pause    time.Duration  // between them
	Stale    bool           // restart, reload: only what is older than what is on disk
	Drain    time.Duration  // reload-seamless: how long to wait for old workers
	Follow   bool           // logs: go on with what is written from now on
	Lines    *int           // logs: how many of each; nil: 50
	Watch    time.Duration  // stats: again and again, with this in between; 0: once
	Strict   *bool          // a missing conf is an error; nil: if every word is a server's name
	Except   []string
}

// Fit says which of the options mean nothing to the command, where whoever wrote
// them might rely on them.
func (o Options) Fit(cmd Command) error {
	switch {
	case o.Serial != nil && !cmd.serial:
		return fmt.Errorf("--serial is for restart and reload, not for %s", cmd.Name)
	case o.All && cmd.Name != "status":
		return fmt.Errorf("--all is for status, not for %s: for all servers, name all", cmd.Name)
	case o.Stale && !cmd.stale:
		return fmt.Errorf("--stale is for restart, reload and reload-seamless, not for %s", cmd.Name)
	case o.Drain > 0 && !cmd.drains:
		return fmt.Errorf("--wait-drained is for reload-seamless, not for %s", cmd.Name)
	}
	return o.fitReport(cmd)
}

// A Manager runs commands on the servers of a fleet.
type Manager struct {
	Fleet   *server.Fleet
	Console *Console
	Options Options
	Flags   []Flag // all options that there are, for the manual

	begun     time.Time
	words     []string // what the operator named
	selection []*server.Server
	byInst    map[*server.Instance]*Result
	unread    *Result // stands for all of them if nobody will read them
	// met are the instances that were looked at, true if more than a pidfile was
	// touched of them; nil: nobody asks.
	met      map[*server.Instance]bool
	warned   map[string]bool
	errors   []string                   // about no one instance
	warnings []string                   // about no one instance
	steps    []string                   // of a dry run
	text     string                     // what profile and completion print
	loose    map[*server.Instance][]int // of status: servers, by pid, that run without a pidfile
	sockets  []pidfile.Socket           // all that listen, once they were looked at
	holders  map[uint64]int             // who holds them, by inode, once that was looked at
	kernel   *server.KernelLog          // once it was read
}

// A Command is one row of the table of commands.
type Command struct {
	Name    string
	Help    string   // one line
	Long    string   // the help of the command alone
	Words   []string // it takes one of them in the place of servers
	bare    bool     // it takes no servers
	all     bool     // without servers it is about all: it only reads
	serial  bool     // it takes --serial
	stale   bool     // it takes --stale
	drains  bool     // it takes --wait-drained
	lines   bool     // it takes --follow and --lines, for which -n is short then
	watches bool     // it takes --watch
	blind   bool     // it does not look at processes
	absent  bool     // it may be about programs that are not installed
	run     func(*Manager, context.Context, []*server.Server) int
}

// Commands is the table of commands, in the order that help shows them.
// Dispatch and help are made of it.
func Commands() []Command {
	return []Command{
		{Name: "status", Help: "what runs, what does not, what is wrong", Long: statusHelp, all: true, run: (*Manager).status},
		{Name: "start", Help: "start what does not run, wait until it is ready", Long: startHelp, run: (*Manager).start},
		{Name: "no-wait", Help: "start, and do not wait", Long: noWaitHelp, run: (*Manager).noWait},
		{Name: "no-daemon", Help: "start, stay in the foreground until they end", Long: noDaemonHelp, run: (*Manager).noDaemon},
		{Name: "once", Help: "run one pass of the programs that can", Long: onceHelp, run: (*Manager).once},
		{Name: "stop", Help: "stop, and wait until it is gone", Long: stopHelp, run: (*Manager).stop},
		{Name: "shutdown", Help: "stop gracefully: finish what is under way", Long: shutdownHelp, run: (*Manager).shutdown},
		{Name: "kill", Help: "stop, and never complain that nothing ran", Long: killHelp, run: (*Manager).kill},
		{Name: "restart", Help: "stop, then start", Long: restartHelp, serial: true, stale: true, run: (*Manager).restart},
		{Name: "reload", Help: "have them read their confs anew, or restart them", Long: reloadHelp, serial: true, stale: true, run: (*Manager).reload},
		{Name: "force-reload", Help: "the same as reload", Long: reloadHelp, serial: true, stale: true, run: (*Manager).reload},
		{Name: "reload-seamless", Help: "re-execute, keeping the sockets", Long: seamlessHelp, drains: true, stale: true, run: (*Manager).seamless},
		{Name: "kill-children", Help: "signal the worker processes only", Long: childrenHelp, run: (*Manager).killChildren},
		{Name: "list", Help: "what the names resolve to; touches nothing", Long: listHelp, all: true, blind: true, run: (*Manager).list},
		{Name: "check", Help: "is everything in order to run it", Long: checkHelp, all: true, blind: true, run: (*Manager).check},
		{Name: "logs", Help: "the last lines that they wrote, and the next", Long: logsHelp, lines: true, run: (*Manager).logs},
		{Name: "stats", Help: "processor time, memory, workers; repeatedly", Long: statsHelp, all: true, watches: true, run: (*Manager).stats},
		{Name: "why", Help: "what keeps it from running, and what to type next", Long: whyHelp, absent: true, run: (*Manager).why},
		{Name: "adopt", Help: "write the pidfile of what runs without one", Long: adoptHelp, run: (*Manager).adopt},
		{Name: "profile", Help: "print the built-in profile", Long: profileHelp, bare: true, run: (*Manager).profile},
		{Name: "completion", Help: "print the completion for a shell", Long: completionHelp, Words: shells, bare: true, run: (*Manager).completion},
		{Name: "manual", Help: "print a manual page", Long: manualHelp, Words: manuals, bare: true, run: (*Manager).manual},
	}
}

// Lookup finds the command of that name. As in swift-init the case does not
// matter, and an underscore is a dash.
func Lookup(name string) (Command, bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, c := range Commands() {
		if c.Name == name {
			return c, true
		}
	}
	return Command{}, false
}

// Syntax is how the command is written with what it takes: SERVER... stop.
func (c Command) Syntax() string {
	switch {
	case len(c.Words) > 0:
		return c.Name + " " + strings.Join(c.Words, "|")
	case c.bare:
		return c.Name
	case c.all:
		return "[SERVER...] " + c.Name
	}
	return "SERVER... " + c.Name
}

// Bare says whether the command takes no servers.
func (c Command) Bare() bool { return c.bare }

// ForAll says whether the command, where no servers are named, is about all.
func (c Command) ForAll() bool { return c.all }

// Run runs the command on the servers that words name, and gives the exit
// status. Once ctx ends it stops waiting, says what was done and what was not,
// and returns. A bare command needs no fleet.
func (m *Manager) Run(ctx context.Context, cmd Command, words []string) int {
	m.begun, m.words = time.Now(), words
	m.byInst, m.warned, m.loose = map[*server.Instance]*Result{}, map[string]bool{}, map[*server.Instance][]int{}
	if !m.Options.JSON && !m.Options.DryRun {
		m.unread = &Result{}
	}
	if !cmd.all {
		m.met = map[*server.Instance]bool{}
	}
	m.Console.silent = m.Options.Quiet || m.Options.JSON
	m.Console.color = m.Options.Color
	defer m.Console.Flush()
	defer m.Console.Waited()
	if m.Fleet != nil {
		defer m.Fleet.Close()
	}
	status := m.exitStatus(ctx, m.run(ctx, cmd, words))
	if !m.Options.JSON {
		return status
	}
	return m.printJSON(cmd.Name, status, m.rows(cmd, status))
}

func (m *Manager) run(ctx context.Context, cmd Command, words []string) int {
	if cmd.bare {
		return cmd.run(m, ctx, nil)
	}
	servers, status := m.selected(words, cmd.absent)
	if status != OK {
		return status
	}
	m.selection = servers
	spare(instances(servers))
	return cmd.run(m, ctx, servers)
}

// many is from how many instances on it matters how much memory each takes: up to
// there, nothing is collected before mgr ends.
const many = 2000

// spare has the collector work sooner than it would by itself where there are
// many instances. It costs less than what it saves takes to be made.
func spare(all []*server.Instance) {
	if len(all) > many {
		debug.SetGCPercent(30)
	}
}

// selected turns words into servers, or says what is wrong with them. absent says
// that programs may be named that are not installed.
func (m *Manager) selected(words []string, absent bool) ([]*server.Server, int) {
	targets, errs := m.Fleet.Profile.Expand(aliases.Selection{
		Words:     words,
		Except:    m.Options.Except,
		Installed: m.Fleet.Installed,
		Absent:    absent,
	})
	for _, err := range errs {
		m.problem(nil, "%v", err)
	}
	if len(errs) > 0 && !m.Options.Compat {
		return nil, Usage
	}
	if len(targets) == 0 {
		if len(errs) == 0 {
			m.problem(nil, "no server is left: --except takes out all of them")
		}
		return nil, Usage
	}
	servers, err := m.Fleet.Servers(targets, m.Options.Number)
	if err != nil {
		m.problem(nil, "%v", err)
		if errors.Is(err, fs.ErrPermission) {
			m.Console.Hint("run it as root, or as the user that owns the directory")
		}
		return nil, Usage
	}
	if status := m.noConfDir(servers); status != OK {
		return nil, status
	}
	return servers, m.unknownConfs(servers)
}

// noConfDir complains about a conf directory that is not there, unless there
// are pidfiles: what runs must be seen and stopped without its confs.
func (m *Manager) noConfDir(servers []*server.Server) int {
	needed := slices.ContainsFunc(servers, func(s *server.Server) bool { return len(s.Program.Conf) > 0 })
	if !needed || m.Options.Compat || anyInstance(servers) {
		return OK
	}
	if _, err := os.Stat(m.Fleet.ConfDir); err != nil {
		m.problem(nil, "conf directory %q: %v", m.Fleet.ConfDir, cause(err))
		m.Console.Hint("name another with --conf-dir or $MGR_CONF_DIR")
		return Usage
	}
	return OK
}

// unknownConfs complains about confs that were named and that neither a file
// nor a pidfile has, unless another server of a group or glob has them.
func (m *Manager) unknownConfs(servers []*server.Server) int {
	if m.Options.Compat {
		return OK
	}
	status := OK
	for _, s := range servers {
		if len(s.Unknown) == 0 || !s.Named && anyInstance(servers) {
			continue
		}
		names, what := strings.Join(s.Unknown, ","), "conf"
		if s.Program.Numbered() {
			what = "process"
		}
		m.problem(nil, "%q: there is no %s %q%s", s.Program.Name+"."+names, what, names, known(s.Known))
		status = Usage
	}
	narrowed := slices.ContainsFunc(servers, func(s *server.Server) bool { return s.Narrowed })
	if status == OK && narrowed && !anyInstance(servers) {
		m.problem(nil, "%s: no conf matches", strings.Join(m.words, " "))
		status = Usage
	}
	return status
}

func anyInstance(servers []*server.Server) bool {
	return slices.ContainsFunc(servers, func(s *server.Server) bool { return len(s.Instances) > 0 })
}

func known(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	if len(names) == 0 {
		return ", nor any other that has a name"
	}
	more := ""
	if len(names) > 8 {
		names, more = names[:8], ", …"
	}
	return " (there are: " + strings.Join(names, ", ") + more + ")"
}

// strict says whether a missing conf is an error: as asked for, or if every
// server was named itself.
func (m *Manager) strict(servers []*server.Server) bool {
	if m.Options.Strict != nil {
		return *m.Options.Strict
	}
	return !slices.ContainsFunc(servers, func(s *server.Server) bool { return !s.Named })
}

// Suggest is ` (nearest: "start")` for a word that is no command.
func Suggest(word string) string {
	var names []string
	for _, c := range Commands() {
		names = append(names, c.Name)
	}
	return aliases.Suggest(word, names)
}
