package manager

import (
	"context"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// This file is about what died at its start and is tried again.

// retries says whether a server that has died is to be tried again, as its program
// has it.
func (s *starting) retries(c *server.Child) bool {
	o := s.m.Options
	return s.tries[c.Instance] < c.Instance.Program.StartRetries && !o.Compat && !o.NoWait && !o.Foreground && !s.passes(c)
}

// retry tries again what died, later each time, until nothing of it is left.
func (s *starting) retry(ctx context.Context) {
	for len(s.again) > 0 && ctx.Err() == nil {
		s.m.Console.waiting(progress{Doing: "starting again", Who: s.again[0].Label(), Since: time.Now(), Limit: time.Until(s.due).Round(time.Second)})
		timer := time.NewTimer(time.Until(s.due))
		select {
		case <-ctx.Done():
			s.failed = true
		case <-timer.C:
		}
		timer.Stop()
		todo := s.again
		s.again = nil
		if ctx.Err() == nil {
			s.waves(ctx, nil, todo)
		}
	}
}

// mark leaves a pidfile of the server that has died, until it is tried again: no
// lock is held so long, and whoever stops the server, or starts it, takes that away.
// The lock is held.
func (s *starting) mark(c *server.Child) {
	i := c.Instance
	if s.left[i].PID != 0 {
		s.forget(c) // what leads to the workers of the one before marks as much
	} else if err := i.Restore(pidfile.Record{PID: c.Process.PID(), ModTime: c.Started}); err != nil {
		s.m.warn(i, "%s: %v: a stop before it is tried again will not be heeded", i, err)
	}
	f := i.Inspect()
	f.Process.Close()
	s.marks[i] = f.Record.PID
	s.m.did(i, "start", f.State, f.Record.PID)
}

// resume looks, for one that was found as f says and whose lock is held, whether its
// mark is still there. It takes that away and says that the start goes on, or says
// who came in between.
func (s *starting) resume(i *server.Instance, f pidfile.Finding) (pidfile.Finding, bool) {
	m := s.m
	mark, marked := s.marks[i]
	if !marked {
		return f, true
	}
	delete(s.marks, i)
	switch {
	case f.State == pidfile.Running:
		m.result(i).recover()
		return f, true
	case f.Record.PID != mark:
		m.problem(i, "%s (%s): somebody has stopped it meanwhile: it is not tried again", i, subject(i))
		s.failed = true
		return f, false
	case mark == 0 || mark == s.left[i].PID:
		return f, true
	}
	err := s.mentionLeft(i, f.Record)
	if err == nil {
		err = i.Remove(mark)
	}
	if err != nil {
		m.problem(i, "%s: %v: not started", i, err)
		s.failed = true
		return f, false
	}
	return pidfile.Finding{State: pidfile.Stopped}, true
}

// abandon takes away the marks of those that will not be tried again after all,
// unless they lead to workers.
func (s *starting) abandon(ctx context.Context, all []*server.Instance) {
	for _, i := range all {
		mark, marked := s.marks[i]
		if !marked {
			continue
		}
		delete(s.marks, i)
		if ctx.Err() != nil {
			s.failed = true
			s.m.problem(i, "interrupted: %s (%s) was to be tried again", i, subject(i))
		}
		if i.TryLock() != nil {
			continue // somebody else is dealing with it
		}
		if mark != s.left[i].PID {
			s.unmark(i, mark)
		}
		i.Unlock()
	}
}

func (s *starting) unmark(i *server.Instance, mark int) {
	f := i.Inspect()
	f.Process.Close()
	if f.State == pidfile.Running || f.Record.PID != mark || leavesWorkers(i, f.Record) {
		return
	}
	if err := i.Remove(mark); err != nil {
		s.m.warn(i, "%s: %v", i, err)
		return
	}
	s.m.did(i, "start", pidfile.Stopped, 0)
}

// leavesWorkers says whether workers of the dead server whose pidfile holds rec run, or
// may, since it cannot be told.
func leavesWorkers(i *server.Instance, rec pidfile.Record) bool {
	left, err := i.Left(rec)
	closeAll(left)
	return err != nil || len(left) > 0
}
