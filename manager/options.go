package manager

import (
	"errors"
	"fmt"
	"time"
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

// Fit is an error if one of the options means nothing to the command, and whoever
// wrote it might rely on it.
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

// fitReport is Fit for the options of commands that report, and may go on for ever.
func (o Options) fitReport(cmd Command) error {
	switch {
	case o.Follow && !cmd.lines:
		return fmt.Errorf("--follow is for logs, not for %s", cmd.Name)
	case o.Lines != nil && !cmd.lines:
		return fmt.Errorf("--lines is for logs, not for %s", cmd.Name)
	case o.Watch > 0 && !cmd.watches:
		return fmt.Errorf("--watch is for stats, not for %s", cmd.Name)
	case o.Follow && o.JSON:
		return errors.New("--follow and --json exclude each other: a document has an end")
	case o.Watch > 0 && o.JSON:
		return errors.New("--watch and --json exclude each other: a document has an end")
	case o.Watch > 0 && o.Quiet:
		return errors.New("--watch and --quiet exclude each other: there would be nothing to see")
	}
	return nil
}

// Stays says whether the options make a command go on until it is interrupted.
func (o Options) Stays() bool { return o.Follow || o.Watch > 0 }
