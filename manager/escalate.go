package manager

import (
	"cmp"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
)

// killGrace is how long a killed process is waited for: SIGKILL needs no help
// from the process, only from the kernel.
const killGrace = 5 * time.Second

// escalate kills targets and all that belongs to them: every descendant and
// every member of their groups and sessions, one by one, through handles, until
// there is none.
//
// The targets themselves are stopped first and killed last: a stopped process starts
// no new workers, and as long as it is there its number, which its group and
// its children go by, cannot come to mean anybody else's.
func (s *stopping) escalate(all []*target) {
	if len(all) == 0 {
		return
	}
	for _, t := range all {
		s.freeze(t)
	}
	s.m.Console.Flush()
	limit := time.Now().Add(killGrace)
	s.killKin(func() []kin { return s.familiesOf(kinOf(all)) }, limit, "of its family")
	for _, t := range all {
		if err := t.process.Signal(unix.SIGKILL); err != nil && !errors.Is(err, pidfile.ErrGone) {
			s.m.problem(t.i, "%s: %v", t.i, err)
		}
	}
	s.killCopies(all, time.Now().Add(killGrace)) // one that cannot be killed may have taken all of the time before
	for _, t := range all {
		grace := killGrace
		if len(t.steps) > 0 {
			grace = max(grace, t.steps[0].Wait)
		}
		t.deadline = time.Now().Add(grace)
	}
}

// freeze stops a target that is to be killed.
func (s *stopping) freeze(t *target) {
	m, pid := s.m, t.process.PID()
	t.killed = true
	m.Console.Say("Signal %s  pid: %d  signal: %d", t.i, pid, unix.SIGKILL)
	r := m.result(t.i)
	r.Signal, r.Signals = "SIGKILL", append(r.Signals, sentSignal{PID: pid, Signal: "SIGKILL"})
	_ = t.process.Signal(unix.SIGSTOP)
}

// A kin is a process that belongs to a target, or looks as if it did.
type kin struct {
	*pidfile.Process
	of *target
}

func kinOf(targets []*target) []kin {
	var all []kin
	for _, t := range targets {
		all = append(all, kin{t.process, t})
	}
	return all
}

// killKin kills what find finds until it finds nothing, or says, once the limit is over,
// what is left.
func (s *stopping) killKin(find func() []kin, limit time.Time, what string) {
	for {
		all := find()
		if len(all) == 0 {
			return
		}
		if time.Now().After(limit) {
			s.survive(all, what)
			return
		}
		kill(all, limit)
	}
}

// survive says what survives, and lets go of it: killed as well, since some of it may
// have been found just now, and have been stopped for that.
func (s *stopping) survive(all []kin, what string) {
	s.failed = true
	for _, k := range all {
		_ = k.Signal(unix.SIGKILL)
		s.m.problem(k.of.i, "%s: pid %d %s survives: state %s", k.of.i, k.PID(), what, pidfile.StateOf(k.PID()))
		k.Close()
	}
}

// killCopies kills what shows the command lines of servers but is no kin to them any
// more, and all that belongs to that: workers that forked twice and made a session of
// their own. As the servers they are stopped first and killed last.
func (s *stopping) killCopies(of []*target, limit time.Time) {
	s.killKin(func() []kin {
		copies := s.copiesOf(of)
		for _, k := range copies {
			_ = k.Signal(unix.SIGSTOP)
		}
		kill(s.familiesOf(copies), limit)
		return copies
	}, limit, "with its command line")
}

// copiesOf gives handles on what shows the command lines of targets that are servers. It
// is an error only if it gives none, as of familiesOf.
func (s *stopping) copiesOf(targets []*target) []kin {
	byInst := map[*server.Instance]*target{}
	var asked []*server.Instance
	for _, t := range targets {
		if !t.member && byInst[t.i] == nil {
			byInst[t.i] = t
			asked = append(asked, t.i)
		}
	}
	found, err := s.m.Fleet.Copies(asked)
	var all []kin
	for _, i := range asked {
		for _, p := range found[i] {
			all = append(all, kin{p, byInst[i]})
		}
	}
	if err != nil && len(all) == 0 {
		s.m.problem(nil, "%v", err)
		s.failed = true
	}
	return all
}

// familiesOf gives handles on all that belongs to processes. It is an error only if it
// gives none: others are found once some have ended.
func (s *stopping) familiesOf(of []kin) []kin {
	if len(of) == 0 {
		return nil
	}
	var all []kin
	tree, err := pidfile.ReadTree()
	for n := 0; n < len(of) && tree != nil; n++ {
		family, why := tree.Family(of[n].Process)
		err = cmp.Or(err, why)
		for _, p := range family {
			all = append(all, kin{p, of[n].of})
		}
	}
	if err != nil && len(all) == 0 {
		s.m.problem(nil, "%v", err)
		s.failed = true
	}
	return all
}

// kill kills processes and waits until they are gone, or until the limit.
func kill(all []kin, limit time.Time) {
	for _, k := range all {
		_ = k.Signal(unix.SIGKILL)
	}
	for _, k := range all {
		k.Await(limit)
		k.Close()
	}
}

// undead says that a process survives SIGKILL, and where the kernel holds it.
func (s *stopping) undead(t *target) {
	pid := t.process.PID()
	why := "state " + pidfile.StateOf(pid)
	if wchan, err := os.ReadFile("/proc/" + itoa(pid) + "/wchan"); err == nil && len(wchan) > 1 {
		why += ", the kernel holds it in " + strings.TrimSpace(string(wchan))
	}
	s.m.problem(t.i, "%s (%d) does not die: %s", t.i, pid, why)
	s.failed = true
}
