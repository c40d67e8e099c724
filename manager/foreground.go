package manager

import (
	"context"

	"mgr/pidfile"
	"mgr/server"
)

// untilEnd stays with servers in the foreground. When the user breaks it off
// they are stopped.
func (s *starting) untilEnd(ctx context.Context) {
	m := s.m
	m.Console.Flush()
	left, err := s.launches.Until(func(c *server.Child) bool { return c.Exited || c.Failure != "" }, noLimit, func(c *server.Child) {
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
	})
	if err != nil {
		m.problem(nil, "%v", err)
		s.failed = true
	}
	if ctx.Err() == nil || len(left) == 0 {
		return
	}
	if m.Options.Compat {
		m.Console.Say("")
		m.Console.Say("user quit")
	}
	var servers []*server.Server
	for _, c := range left {
		m.found(c.Instance, pidfile.Finding{State: pidfile.Running, Record: pidfile.Record{PID: c.Process.PID()}})
		servers = append(servers, &server.Server{Program: c.Instance.Program, Instances: []*server.Instance{c.Instance}})
	}
	// The user's interrupt asks for this stop; a second one ends it.
	m.Fleet.Reader.Heed(nil)
	m.stopAll(context.WithoutCancel(ctx), servers)
}
