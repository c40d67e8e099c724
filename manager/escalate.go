package manager

import (
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

// escalate kills the target and all that belongs to it: every descendant and
// every member of its group and session, one by one, through handles, until
// there is none.
//
// The target itself is stopped first and killed last: a stopped process starts
// no new workers, and as long as it is there its number, which its group and
// its children go by, cannot come to mean anybody else's.
func (s *stopping) escalate(t *target) {
	m, pid := s.m, t.process.PID()
	t.killed = true
	t.deadline = time.Now().Add(killGrace)
	m.Console.Say("Signal %s  pid: %d  signal: %d", t.i, pid, unix.SIGKILL)
	m.Console.Flush()
	r := m.result(t.i)
	r.Signal, r.Signals = "SIGKILL", append(r.Signals, sentSignal{PID: pid, Signal: "SIGKILL"})
	_ = t.process.Signal(unix.SIGSTOP)
	limit := time.Now().Add(killGrace)
	family := s.family(t, t.process)
	for len(family) > 0 && time.Now().Before(limit) {
		kill(family, limit)
		family = s.family(t, t.process)
	}
	for _, p := range family {
		m.problem(t.i, "%s: pid %d of its family survives: state %s", t.i, p.PID(), pidfile.StateOf(p.PID()))
		s.failed = true
		p.Close()
	}
	if err := t.process.Signal(unix.SIGKILL); err != nil && !errors.Is(err, pidfile.ErrGone) {
		m.problem(t.i, "%s: %v", t.i, err)
	}
	if !t.member {
		s.killCopies(t, limit)
	}
}

// killCopies kills what shows the server's command line but is no kin to it any
// more, and all that belongs to that: workers that forked twice and made a session of
// their own. As the server they are stopped first and killed last.
func (s *stopping) killCopies(t *target, limit time.Time) {
	for {
		all, err := s.m.Fleet.Copies([]*server.Instance{t.i})
		copies := all[t.i]
		if err != nil {
			s.m.problem(t.i, "%s: %v", t.i, err)
			s.failed = true
		}
		if len(copies) == 0 {
			return
		}
		if time.Now().After(limit) {
			s.m.problem(t.i, "%s: %d processes with its command line survive", t.i, len(copies))
			s.failed = true
			for _, p := range copies {
				p.Close()
			}
			return
		}
		for _, p := range copies {
			_ = p.Signal(unix.SIGSTOP)
		}
		kill(s.family(t, copies...), limit)
		kill(copies, limit)
	}
}

// family gives handles on all that belongs to processes of the target. It is an error
// only if it gives none: others are found once some have ended.
func (s *stopping) family(t *target, processes ...*pidfile.Process) []*pidfile.Process {
	var all []*pidfile.Process
	tree, err := pidfile.ReadTree()
	if err == nil {
		all, err = families(tree, processes)
	}
	if err != nil && len(all) == 0 {
		s.m.problem(t.i, "%s: %v", t.i, err)
		s.failed = true
	}
	return all
}

func families(tree *pidfile.Tree, of []*pidfile.Process) ([]*pidfile.Process, error) {
	var all []*pidfile.Process
	var errs []error
	for _, p := range of {
		family, err := tree.Family(p)
		all, errs = append(all, family...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// kill kills processes and waits until they are gone, or until the limit.
func kill(family []*pidfile.Process, limit time.Time) {
	for _, p := range family {
		_ = p.Signal(unix.SIGKILL)
	}
	for _, p := range family {
		p.Await(limit)
		p.Close()
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
