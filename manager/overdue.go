package manager

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
)

// overdue takes the next step with targets whose time is up, kills them, which is done
// once, or gives up on them. It gives the targets that are still worth waiting for.
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
	said := map[string]bool{}
	var kills []*target
	for _, t := range late {
		then := s.next(t)
		if line := t.i.Program.Name + then; !said[line] {
			said[line] = true
			s.m.Console.Say("Waited %s seconds for %s to die; %s", seconds(s.waited(t)), t.i, then)
		}
		switch {
		case s.advance(t):
			still = append(still, t)
		case t.kill:
			kills = append(kills, t)
		default:
			s.m.problem(t.i, "%s (%d - %s) still runs after %s s", t.i, t.process.PID(), subject(t.i), seconds(s.waited(t)))
		}
	}
	s.escalate(kills)
	return append(still, kills...)
}

// next says what comes now that the time of a target is up.
func (s *stopping) next(t *target) string {
	switch {
	case len(t.steps) > 0 && t.steps[0].Signal != unix.SIGKILL:
		return "sending " + signalName(t.steps[0].Signal)
	case t.kill:
		return "killing"
	}
	return "giving up"
}

// advance takes the next step of a stop, or says that there is none but to kill.
func (s *stopping) advance(t *target) bool {
	if len(t.steps) == 0 || t.steps[0].Signal == unix.SIGKILL {
		return false
	}
	step := t.steps[0]
	t.steps = t.steps[1:]
	t.deadline = time.Now().Add(step.Wait)
	s.m.result(t.i).Signal = signalName(step.Signal)
	if err := s.sendStep(t, step.Signal); err != nil && !errors.Is(err, pidfile.ErrGone) {
		s.refused(t.i, t.process.PID(), err)
	}
	return true
}

// waited is how long a target has had so far.
func (s *stopping) waited(t *target) time.Duration {
	steps := s.m.stopSteps(t.i.Program)
	var sum time.Duration
	for _, step := range steps[:max(1, len(steps)-len(t.steps))] {
		sum += step.Wait
	}
	return sum
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
