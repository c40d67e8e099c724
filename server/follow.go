package server

import (
	"time"

	"mgr/aliases"
	"mgr/pidfile"
)

// This file is about servers that are not the process that was launched: those
// that daemonize, and those that a wrapper starts. Who they are their pidfile
// says, once it names a living process that looks like the server.

// watchPidfile watches the pidfile of a server that writes it itself.
func (c *Child) watchPidfile() error {
	p := c.Instance.Program
	if c.mode.test || !p.Forking && (p.Ready.Kind() != aliases.ReadyPidfile || c.mode.NoWait) {
		return nil
	}
	dir, name, err := c.Instance.dir(pidfile.MakeIt)
	if err != nil {
		return err
	}
	c.watch, err = dir.Watch(name)
	c.launched = pidfile.SinceBoot() // before anything is: who is older is not the server
	return err
}

// written looks at the pidfile once the server has written it: a stage writes
// it once, by moving a file there, unless the program is forking.
func (l *Launches) written(c *Child) {
	if c.watch == nil {
		return
	}
	inPlace, moved := c.watch.Written()
	c.writes, c.moves = c.writes+inPlace, c.moves+moved
	own := 1
	if c.Instance.Program.Forking {
		own = 0
	}
	if c.writes > 0 || c.moves > own {
		l.track(c)
	}
}

// track sees whether the pidfile names the server by now, and follows it to the
// process that it names. One that is not like it may be yet: some write the pidfile
// before they become the server, and the kernel has no event for execve(2).
func (l *Launches) track(c *Child) bool {
	f := c.Instance.Inspect()
	if f.State != pidfile.Running {
		f.Process.Close()
		again := c.again()
		again.lookAt = time.Time{} // whoever writes the pidfile anew is heard
		if f.State == pidfile.Foreign || f.State == pidfile.Unknown {
			again.pause = min(max(2*again.pause, firstPause), lastPause)
			again.lookAt = time.Now().Add(again.pause)
		}
		return false
	}
	c.tracked = true
	if f.Process.PID() == c.Process.PID() {
		f.Process.Close()
		return true
	}
	l.waiter.Remove(c.Process.FD())
	if c.launcher == nil {
		c.launcher = c.Process
	} else {
		c.Process.Close()
	}
	c.Process, c.Followed, c.Executed = f.Process, true, true
	// Should this fail its end goes unnoticed, and a deadline ends the wait.
	_ = l.waiter.Add(c.Process.FD(), c.index*keysPerChild+keyProcess)
	return true
}

// outlived says whether the server goes on though the process that was launched
// has ended: another one has taken its place in the pidfile, or is about to.
func (l *Launches) outlived(c *Child) bool {
	p := c.Instance.Program
	if !p.OwnPidfile() || c.mode.test || c.mode.Once || c.Failure != "" {
		return false // another process in mgr's pidfile is another mgr's
	}
	if l.track(c) {
		return true
	}
	if !p.Forking || !c.Status.Exited() || c.Status.ExitStatus() != 0 {
		return false
	}
	c.Executed, c.detached = true, true
	c.again().missedAt = time.Now().Add(firstMiss)
	return true
}

// The pauses between two looks for a server whose launcher has ended and that has
// not written its pidfile: the kernel tells nobody but its parent of its end.
const (
	firstMiss = 100 * time.Millisecond
	nextMiss  = 300 * time.Millisecond
)

// later is what has to be looked at again, since no event tells of it: few servers
// have such.
type later struct {
	lookAt   time.Time     // whom the pidfile names; zero: when it is written
	pause    time.Duration // before that
	reapAt   time.Time     // how the process has ended; zero: when it ends
	missedAt time.Time     // whether the server of one that is detached is there
	misses   int           // such looks that found nothing
}

// again is c.later, made when it is first needed.
func (c *Child) again() *later {
	if c.later == nil {
		c.later = new(later)
	}
	return c.later
}

// revisit looks again for what no event tells of.
func (l *Launches) revisit(c *Child, now time.Time) {
	again := c.later
	if again == nil {
		return
	}
	if passed(again.reapAt, now) {
		again.reapAt = time.Time{}
		l.reap(c)
	}
	if !c.Exited && !c.tracked && passed(again.lookAt, now) && l.track(c) {
		return
	}
	l.missed(c, again, now)
}

// missed looks whether anything like the server is there at all: if twice nothing
// is, it has ended.
func (l *Launches) missed(c *Child, again *later, now time.Time) {
	if !c.detached || c.tracked || c.Exited || now.Before(again.missedAt) {
		return
	}
	tree, err := l.processes(again.missedAt)
	again.missedAt = now.Add(nextMiss)
	if err != nil || c.Instance.seenIn(tree, c.launched) {
		again.misses = 0
		return
	}
	again.misses++
	c.Exited = again.misses > 1
}

// processes gives a snapshot of all processes that was taken since then: many servers are
// looked for in one.
func (l *Launches) processes(since time.Time) (*pidfile.Tree, error) {
	if l.tree != nil && !l.taken.Before(since) {
		return l.tree, nil
	}
	var err error
	l.taken = time.Now()
	l.tree, err = pidfile.ReadTree()
	return l.tree, err
}

// seenIn says whether any process of a snapshot that was started since then, after boot,
// looks like the server.
func (i *Instance) seenIn(tree *pidfile.Tree, since time.Duration) bool {
	id, err := i.identity()
	if err != nil {
		return true // it cannot be told
	}
	argv, err := i.fleet.words(i.Program, i.Program.Command[:1], i.unit())
	if err == nil {
		id.Executable = i.fleet.look(argv[0]).file().binary
	}
	return tree.Seen(&i.fleet.Reader, id, since)
}
