package manager

import (
	"context"
	"strings"

	"mgr/aliases"
	"mgr/server"
)

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
	prints  bool     // what it prints is all that it is for
	absent  bool     // it may be about programs that are not installed
	run     func(*Manager, context.Context, []*server.Server) int
}

// Commands is the table of commands, in the order that help shows them.
// Dispatch and help are made of it.
func Commands() []Command {
	return []Command{
		{Name: "status", Help: "what runs, what does not, what is wrong", Long: statusHelp, all: true, prints: true, run: (*Manager).status},
		{Name: "start", Help: "start what does not run, wait until ready", Long: startHelp, run: (*Manager).start},
		{Name: "no-wait", Help: "start without waiting", Long: noWaitHelp, run: (*Manager).noWait},
		{Name: "no-daemon", Help: "start, stay in the foreground until they end", Long: noDaemonHelp, run: (*Manager).noDaemon},
		{Name: "once", Help: "run one pass of the programs that can", Long: onceHelp, run: (*Manager).once},
		{Name: "stop", Help: "stop and wait until it is gone", Long: stopHelp, run: (*Manager).stop},
		{Name: "shutdown", Help: "stop gracefully: finish requests in progress", Long: shutdownHelp, run: (*Manager).shutdown},
		{Name: "kill", Help: "stop; never complain that nothing ran", Long: killHelp, run: (*Manager).kill},
		{Name: "restart", Help: "stop, then start", Long: restartHelp, serial: true, stale: true, run: (*Manager).restart},
		{Name: "reload", Help: "make servers reread their confs, or restart them", Long: reloadHelp, serial: true, stale: true, run: (*Manager).reload},
		{Name: "force-reload", Help: "the same as reload", Long: reloadHelp, serial: true, stale: true, run: (*Manager).reload},
		{Name: "reload-seamless", Help: "re-execute and keep the sockets", Long: seamlessHelp, drains: true, stale: true, run: (*Manager).seamless},
		{Name: "kill-children", Help: "signal the worker processes only", Long: childrenHelp, run: (*Manager).killChildren},
		{Name: "list", Help: "what the names resolve to; touches nothing", Long: listHelp, all: true, blind: true, prints: true, run: (*Manager).list},
		{Name: "check", Help: "whether everything is in order to run", Long: checkHelp, all: true, blind: true, prints: true, run: (*Manager).check},
		{Name: "logs", Help: "the last lines that servers wrote; -f follows", Long: logsHelp, lines: true, prints: true, run: (*Manager).logs},
		{Name: "stats", Help: "processor time, memory, workers", Long: statsHelp, all: true, watches: true, prints: true, run: (*Manager).stats},
		{Name: "why", Help: "why it does not run, and what to type next", Long: whyHelp, absent: true, prints: true, run: (*Manager).why},
		{Name: "adopt", Help: "write the pidfile of what runs without one", Long: adoptHelp, run: (*Manager).adopt},
		{Name: "profile", Help: "print the built-in profile", Long: profileHelp, bare: true, prints: true, run: (*Manager).profile},
		{Name: "completion", Help: "print the completion script for a shell", Long: completionHelp, Words: shells, bare: true, prints: true, run: (*Manager).completion},
		{Name: "manual", Help: "print a manual page", Long: manualHelp, Words: manuals, bare: true, prints: true, run: (*Manager).manual},
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

// Suggest is ` (nearest: "start")` for a word that is no command.
func Suggest(word string) string {
	var names []string
	for _, c := range Commands() {
		names = append(names, c.Name)
	}
	return aliases.Suggest(word, names)
}

// AboutLines says whether the command takes a number of lines.
func (c Command) AboutLines() bool { return c.lines }
