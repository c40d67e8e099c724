package manager

import (
	"context"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// untilEnd stays with servers in the foreground. When the user breaks it off
// they are stopped.
func (s *starting) untilEnd(ctx context.Context) {
	m := s.m
	m.Console.Flush()
	left, err := s.launches.Until(ended, noLimit, s.over)
	s.unwatched(err)
	if ctx.Err() == nil || len(left) == 0 {
		return
	}
	if m.Options.Compat {
		m.Console.Say("")
		m.Console.Say("user quit")
		m.Console.Flush()
	}
	// The user's interrupt asks for this stop; a second one ends it.
	m.Fleet.Reader.Heed(nil)
	var servers []*server.Server
	for _, c := range s.born(left) {
		m.found(c.Instance, pidfile.Finding{State: pidfile.Running, Record: pidfile.Record{PID: c.Process.PID()}})
		servers = append(servers, &server.Server{Program: c.Instance.Program, Instances: []*server.Instance{c.Instance}})
	}
	m.stopAll(context.WithoutCancel(ctx), servers)
}

// ended says whether c is no server, or none any more.
func ended(c *server.Child) bool { return c.Exited || c.Failure != "" }

// over says how a server in the foreground has ended.
func (s *starting) over(c *server.Child) {
	m := s.m
	if c.Failure != "" {
		return
	}
	m.result(c.Instance).ended(c)
	s.forgetLocked(c)
	if c.Followed { // how, only its parent knows
		m.Console.Say("%s (%d) has ended (%s)", c.Instance, c.Process.PID(), subject(c.Instance))
		return
	}
	if !c.Succeeded() {
		m.problem(c.Instance, "%s (%d) ended: %s (%s)", c.Instance, c.Process.PID(), c.Died(), subject(c.Instance))
		s.failed = true
	}
}

// unwatched says why nobody sees any more what becomes of the servers.
func (s *starting) unwatched(err error) {
	if err != nil {
		s.m.problem(nil, "%v", err)
		s.failed = true
	}
}

// born waits until the pidfiles of children name their servers, for as long as a stop
// may take: without that they could not be stopped, and would run on. It gives those
// that can be.
func (s *starting) born(children []*server.Child) []*server.Child {
	unborn := map[*server.Child]bool{}
	for _, c := range children {
		if !named(c) {
			unborn[c] = true
		}
	}
	if len(unborn) == 0 {
		return children
	}
	s.launches.GoOn()
	now := time.Now()
	limit := func(c *server.Child) time.Duration {
		return now.Sub(c.Started) + s.m.stopSteps(c.Instance.Program)[0].Wait
	}
	_, err := s.launches.Until(func(c *server.Child) bool { return !unborn[c] || named(c) || ended(c) }, limit, func(c *server.Child) {
		if unborn[c] {
			s.underWay(c)
		}
	})
	s.unwatched(err)
	var out []*server.Child
	for _, c := range children {
		switch {
		case ended(c):
			s.over(c)
		case named(c):
			out = append(out, c)
		default:
			s.nameless(c)
		}
	}
	return out
}

// named says whether the pidfile names the server that has come of c.
func named(c *server.Child) bool { return c.Executed && c.Tracked() }

// nameless deals with what has not come to have a pidfile, and cannot be stopped as a
// server: a stage that does not come to its end is killed, and of a server the user is told.
func (s *starting) nameless(c *server.Child) {
	m, i, pid := s.m, c.Instance, c.Process.PID()
	s.failed = true
	if c.Executed {
		m.problem(i, "interrupted: %s (%s) was started, its pidfile %q names no process of it yet, and it was not stopped", i, subject(i), i.Pidfile)
		return
	}
	abort(c)
	i.Unlock()
	m.problem(i, "interrupted: %s (%d - %s) had not been executed yet, and was killed", i, pid, subject(i))
}

// abort ends what has just been launched, and is no server yet.
func abort(c *server.Child) {
	c.Kill()
	c.Process.Await(time.Now().Add(killGrace))
	_ = c.Instance.Remove(c.Process.PID())
}
