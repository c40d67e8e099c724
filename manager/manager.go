// Package manager owns the commands: what is done to many servers, in which
// order, under which deadlines, how it escalates, and every word that the user
// reads about it.
//
// How a server is found, launched and looked at is package server's. The command line
// and the exit of the process are main's: a command gives its exit status, and all
// that it prints goes through one Console.
//
// A Manager runs one command and is done: nothing of what it knows outlives that.
package manager

import (
	"context"
	"runtime/debug"
	"time"

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

// A Manager runs commands on the servers of a fleet.
type Manager struct {
	Fleet   *server.Fleet
	Console *Console
	Options Options
	Flags   []Flag // all options that there are, for the manual

	begun     time.Time
	words     []string // what the operator named
	selection []*server.Server
	byInst    map[*server.Instance]*result
	unread    *result // stands for all of them if nobody will read them
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

	lockWaited time.Duration // for the locks of other mgrs, of the LockWait that the options allow
}

// Run runs the command on the servers that words name, and gives the exit
// status. Once ctx ends it stops waiting, says what was done and what was not,
// and returns. A bare command needs no fleet.
func (m *Manager) Run(ctx context.Context, cmd Command, words []string) int {
	m.begun, m.words = time.Now(), words
	m.byInst, m.warned, m.loose = map[*server.Instance]*result{}, map[string]bool{}, map[*server.Instance][]int{}
	if !m.Options.JSON && !m.Options.DryRun {
		m.unread = &result{}
	}
	if !cmd.all {
		m.met = map[*server.Instance]bool{}
	}
	m.Console.silent = m.Options.Quiet || m.Options.JSON
	m.Console.color = m.Options.Color
	defer m.Console.Flush()
	defer m.Console.waited()
	if m.Fleet != nil {
		defer m.Fleet.Close()
		m.Fleet.Reader.Heed(ctx.Done())
	}
	status := m.exitStatus(ctx, m.run(ctx, cmd, words))
	switch {
	case m.Options.JSON:
	case cmd.Name == "status" && !m.Options.Compat:
		return m.Console.Printed(status, statusUnknown)
	case cmd.prints, m.Options.DryRun:
		return m.Console.Printed(status, Failed)
	default:
		return status
	}
	return m.printJSON(cmd.Name, status, m.rows(cmd, status))
}

func (m *Manager) run(ctx context.Context, cmd Command, words []string) int {
	if cmd.bare {
		return cmd.run(m, ctx, nil)
	}
	servers, status := m.selected(cmd, words)
	if status != OK {
		return status
	}
	m.selection = servers
	spare(instances(servers))
	return cmd.run(m, ctx, servers)
}

// many is the number of instances above which memory matters: with fewer, mgr ends
// before the garbage collector has run at all.
const many = 2000

// spare makes the garbage collector run earlier where there are many instances. That
// takes less time than the kernel takes to provide the memory that it saves.
func spare(all []*server.Instance) {
	if len(all) > many {
		debug.SetGCPercent(30)
	}
}
