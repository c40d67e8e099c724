package manager

import (
	"time"

	"mgr/aliases"
	"mgr/server"
)

// overdue gives up on targets whose time is up, or kills them: once. It gives
// the targets that are still worth waiting for.
func (s *stopping) overdue(left []*target) []*target {
	now := time.Now()
	var still, late []*target
	for _, t := range left {
		switch {
		case t.deadline.After(now):
			still = append(still, t)
		case t.killed:
			s.undead(t)
		default:
			late = append(late, t)
		}
	}
	said := map[*aliases.Program]bool{}
	for _, t := range late {
		if !said[t.i.Program] {
			said[t.i.Program] = true
			s.sayLate(t.i)
		}
		if s.m.Options.Kill {
			s.escalate(t)
			still = append(still, t)
			continue
		}
		s.m.problem(t.i, "%s (%d - %s) still runs after %s s", t.i, t.process.PID(), subject(t.i), seconds(s.m.killWait(t.i.Program)))
	}
	return still
}

func (s *stopping) sayLate(i *server.Instance) {
	then := "giving up"
	if s.m.Options.Kill {
		then = "killing"
	}
	s.m.Console.Say("Waited %s seconds for %s to die; %s", seconds(s.m.killWait(i.Program)), i, then)
}

// compat is swift-init's exit status of stop: 0 only if something was signalled
// and all of it has gone without force.
func (s *stopping) compat() int {
	for _, t := range s.targets {
		if !t.member && (!t.gone || t.killed) {
			return Failed
		}
	}
	if len(s.targets) == 0 {
		return Failed
	}
	return OK
}

func (s *stopping) status() int {
	if s.failed {
		return Failed
	}
	return OK
}

// interrupted says where a stop stands that the user broke off.
func (s *stopping) interrupted(all []*server.Instance) {
	for _, t := range s.targets {
		if !t.gone {
			s.m.problem(t.i, "interrupted: %s (%d - %s) was signalled and had not stopped yet", t.i, t.process.PID(), subject(t.i))
		}
	}
	for _, i := range all {
		if !s.begun[i] {
			s.m.problem(i, "interrupted: %s (%s) was not begun", i, subject(i))
		}
	}
	s.failed = true
}
