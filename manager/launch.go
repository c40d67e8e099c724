package manager

import (
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// batch launches instances whose locks are held, and gives up each lock when
// its server is under way or has failed.
func (s *starting) batch(ctx context.Context, batch []*server.Instance) {
	var launched []*server.Child
	var err error
	s.remains = server.Remains{}
	found := s.inspect(batch)
	for n, i := range batch {
		if ctx.Err() != nil { // what runs without a pidfile may not have been seen
			unlock(batch[n:])
			break
		}
		if c := s.launch(i, found[i]); c != nil {
			if launched = append(launched, c); len(launched)%perCatch == 0 {
				err = cmp.Or(err, s.launches.Catch())
			}
		} else {
			i.Unlock()
		}
	}
	if s.m.Options.DryRun {
		return
	}
	s.m.Console.Flush()
	mine := map[*server.Child]bool{}
	for _, c := range launched {
		mine[c] = true
	}
	over := func(c *server.Child) bool { return named(c) || ended(c) || !mine[c] }
	left, failed := s.launches.Until(over, s.launching, func(c *server.Child) {
		if mine[c] {
			s.underWay(c)
		}
	})
	for _, c := range left {
		// A stage that goes on without us has its lock from us: it must keep it
		// until it has become the server.
		if c.Executed {
			c.Instance.Unlock()
		} else {
			s.stages[c] = true
		}
	}
	if err = cmp.Or(err, failed); err != nil {
		s.m.problem(nil, "%v", err)
		s.failed = true
	}
}

// perCatch is the number of launches after which mgr looks at what became of the ones
// before.
const perCatch = 16

// launching is how long the lock is held for a server that is not executed yet, or that
// writes its pidfile itself: until then nobody else could tell that it is being started.
// Whose end is waited for is waited for here, too: nobody would give up the lock later.
func (s *starting) launching(c *server.Child) time.Duration {
	if !c.Executed && (s.m.Options.Foreground || s.passes(c)) {
		return 0
	}
	return c.Instance.Program.ReadyWait
}

// underWay gives up the lock of a server that is under way, or has failed. The lock is held.
func (s *starting) underWay(c *server.Child) {
	s.executed(c)
	s.unborn(c)
	c.Instance.Unlock()
}

// through is underWay for a stage that was not in time, once it is over.
func (s *starting) through(c *server.Child) {
	if s.stages[c] && (c.Executed || ended(c)) {
		delete(s.stages, c)
		s.underWay(c)
	}
}

func noLimit(*server.Child) time.Duration { return 0 }

// launch starts one instance, which was found as f says, unless it runs; nil if
// there is nothing to wait for.
func (s *starting) launch(i *server.Instance, f pidfile.Finding) *server.Child {
	m := s.m
	s.begun[i] = true
	m.found(i, f)
	f, goOn := s.resume(i, m.foreseen(i, f))
	if !goOn {
		return nil
	}
	if pids := s.loose[i]; len(pids) > 0 {
		s.failed = true
		m.problem(i, "%s (%s): not started: %s this server already, without a pidfile", i, subject(i), runPIDs(pids))
		m.adoptHint(i, pids)
		return nil
	}
	switch f.State {
	case pidfile.Running:
		m.Console.Say("%s running (%d - %s)", i, f.Record.PID, subject(i))
		s.already[i.Program] = true
		return nil
	case pidfile.Stopped, pidfile.Dead, pidfile.Foreign, pidfile.Malformed:
		if err := s.clear(i, f); err != nil {
			m.problem(i, "%s: %v: not started", i, err)
			m.titleHint(f)
			s.failed = true
			return nil
		}
	default:
		m.problem(i, "%s (%s): cannot tell whether it runs, not started: %v", i, subject(i), f.Err)
		s.failed = true
		return nil
	}
	mode := s.mode(i.Program)
	if m.Options.DryRun {
		s.wouldLaunch(i, mode)
		return nil
	}
	return s.execute(i, mode)
}

// execute launches one instance, in whose way nothing is; nil if that fails.
func (s *starting) execute(i *server.Instance, mode server.Mode) *server.Child {
	m, doing := s.m, "Starting %s...(%s)"
	if mode.Once {
		doing = "Running %s once...(%s)"
	}
	c, err := s.watched(i, mode)
	if s.postpone(i, err) {
		return nil
	}
	m.Console.Say(doing, i, subject(i))
	m.result(i).PIDAfter = 0
	if err != nil {
		m.problem(i, "%s (%s): not started: %v", i, subject(i), err)
		s.failed = true
		s.restore(i)
		return nil
	}
	if c.Elsewhere != nil {
		m.note("%s (%d): %v; it says that it is ready at another name", i, c.Process.PID(), c.Elsewhere)
	}
	m.did(i, "start", pidfile.Running, c.Process.PID())
	return c
}

// watched launches one instance, and has it watched.
func (s *starting) watched(i *server.Instance, mode server.Mode) (*server.Child, error) {
	c, err := i.Launch(mode)
	if err != nil {
		return nil, err
	}
	if err := s.launches.Add(c); err != nil { // nobody would see what becomes of it
		abort(c)
		c.Process.Close()
		return nil, err
	}
	return c, nil
}

// postpone puts off a launch that has failed for want of what those that are under way
// take, and give back: descriptors, of which there are few for inotify(7).
func (s *starting) postpone(i *server.Instance, err error) bool {
	if !errors.Is(err, unix.EMFILE) || len(s.launches.Children) == 0 || s.m.Options.Foreground {
		return false
	}
	s.postponed = append(s.postponed, i)
	delete(s.begun, i)
	s.unmeet(i)
	s.restore(i)
	return true
}

// unmeet has an interrupted start say of i what it would say had it not come to i yet.
func (s *starting) unmeet(i *server.Instance) {
	if touched, met := s.met[i]; met {
		s.m.met[i] = touched
		return
	}
	delete(s.m.met, i)
}

// mode says how a program is to be launched.
func (s *starting) mode(p *aliases.Program) server.Mode {
	o := s.m.Options
	once := o.Once && p.OnceArgs != nil
	if o.Once && !once && !s.m.warned["once "+p.Name] {
		s.m.warned["once "+p.Name] = true
		if !o.Compat {
			s.m.warn(nil, "%s cannot run one pass: started as usual", p.Name)
		}
	}
	return server.Mode{
		Once: once, Foreground: o.Foreground, NoWait: o.NoWait && !o.Foreground,
		ExactLimits: o.Compat, Stderr: o.JSON,
	}
}

// executed notes that the stage has become the server, or says why not.
func (s *starting) executed(c *server.Child) {
	m, i := s.m, c.Instance
	for _, w := range c.Limits {
		m.limitWarning(w)
	}
	if c.Failure == "" {
		return
	}
	m.problem(i, "%s (%s): not started: %s", i, subject(i), c.Failure)
	s.failed = true
	s.forget(c)
	m.result(i).undone("start")
}

// unborn notes of a process that has ended whether its pidfile was never written: a
// stage that was killed, or for which there was no thread or memory. The lock is held.
func (s *starting) unborn(c *server.Child) {
	if !c.Exited || c.Executed {
		return
	}
	f := c.Instance.Inspect()
	f.Process.Close()
	s.early[c] = f.Record.PID == 0
}

// limitWarning says once that a limit could not be set.
func (m *Manager) limitWarning(w server.LimitWarning) {
	if m.warned[w.Key] {
		return
	}
	m.warned[w.Key] = true
	if !m.Options.Compat {
		m.warn(nil, "%s: cannot be %d, the hard limit is %d: %s; the servers run with %d", w.Key, w.Want, w.Max, w.Err, w.Max)
		return
	}
	what, ok := map[string]string{
		"limit_nofile": "file descriptor limit",
		"limit_data":   "memory limit",
		"limit_nproc":  "max process limit",
	}[w.Key]
	if !ok {
		what = w.Key
	}
	m.Console.Say("WARNING: Unable to modify %s.  Running as non-root?", what)
}

// forget removes the pidfile of a server that has ended, unless it leads to workers that
// have not. The lock is held.
func (s *starting) forget(c *server.Child) {
	if c.Tracked() && !s.keep(c) {
		if err := c.Instance.Remove(c.Process.PID()); err != nil {
			s.m.warn(c.Instance, "%s: %v", c.Instance, err)
		}
	}
	s.m.did(c.Instance, "start", pidfile.Stopped, 0)
	s.restore(c.Instance)
}

// gone says of a server that runs that its pidfile is not there any more, if it was
// found so: whoever stops a server removes that when it has ended.
func (s *starting) gone(c *server.Child, f pidfile.Finding) bool {
	m, i, pid := s.m, c.Instance, c.Process.PID()
	if f.State != pidfile.Stopped || i.Program.OwnPidfile() || c.Process.Exited() {
		return false
	}
	m.problem(i, "%s (%d - %s) was started, but its pidfile %q is not there any more", i, pid, subject(i), i.Pidfile)
	m.adoptHint(i, []int{pid})
	s.failed = true
	return true
}
