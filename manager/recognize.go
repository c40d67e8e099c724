package manager

import (
	"errors"

	"mgr/pidfile"
	"mgr/server"
)

// recognize sees to it that a server that has started can be told again by the
// next command: one that replaced its command line cannot, without a match.
func (s *starting) recognize(c *server.Child) {
	f := c.Instance.Inspect()
	f.Process.Close()
	if f.State == pidfile.Running {
		s.m.did(c.Instance, "start", pidfile.Running, f.Record.PID).recover() // after a death, say
	}
	if s.gone(c, f) {
		return
	}
	if f.State != pidfile.Foreign || f.Record.PID != c.Process.PID() || s.m.Options.Compat {
		return
	}
	s.m.problem(c.Instance, "%s (%d - %s) was started, but %v: it cannot be told again", c.Instance, c.Process.PID(), subject(c.Instance), f.Err)
	if !s.m.titleHint(f) {
		s.m.Console.Hint("describe its command line with match in the profile before anything else: a stop would forget it")
	}
	s.failed = true
}

// titleHint says what to do about a process that only its title keeps from being told
// for the server, and whether f found one.
func (m *Manager) titleHint(f pidfile.Finding) bool {
	var fe *pidfile.ForeignError
	if !errors.As(f.Err, &fe) || !fe.Titled {
		return false
	}
	m.Console.Hint("if it is the server, describe that title with match in the profile")
	return true
}

// dead deals with the pidfile of a server that has died.
func (s *stopping) dead(i *server.Instance, rec pidfile.Record) []*target {
	left, err := s.orphans(i, rec)
	if err != nil {
		s.ran[i.Program] = true // or it cannot be told
		s.m.problem(i, "%s (%d - %s) is dead, and what it left behind cannot be looked for: %v: pidfile %q kept", i, rec.PID, subject(i), err, i.Pidfile)
		s.failed = true
	}
	if err != nil || len(left) > 0 {
		return left
	}
	s.m.noteStale(i)
	s.removeStale(i, rec.PID)
	return nil
}

// misnamed says in words whom the pidfile of a server names that is not the server, ""
// if it names nobody.
func misnamed(i *server.Instance) string {
	f := i.Inspect()
	f.Process.Close()
	if f.State != pidfile.Foreign {
		return ""
	}
	return ": " + f.Err.Error()
}
