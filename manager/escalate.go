package manager

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// killGrace is how long a killed process is waited for: SIGKILL needs no help
// from the process, only from the kernel.
const killGrace = 5 * time.Second

// killRounds bounds how often what a killed server left behind is looked for:
// each round kills all there is, only a process that forks faster than that
// survives.
const killRounds = 50

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
	m.result(t.i).Signal = "SIGKILL"
	_ = t.process.Signal(unix.SIGSTOP)
	family := s.family(t)
	for round := 0; len(family) > 0 && round < killRounds; round++ {
		kill(family)
		family = s.family(t)
	}
	for _, p := range family {
		m.problem(t.i, "%s: pid %d of its family survives: state %s", t.i, p.PID(), pidfile.StateOf(p.PID()))
		s.failed = true
		p.Close()
	}
	if err := t.process.Signal(unix.SIGKILL); err != nil {
		m.problem(t.i, "%s: %v", t.i, err)
	}
	s.killCopies(t)
}

// killCopies kills what shows the server's command line but is no kin to it any
// more: workers that forked twice and made a session of their own.
func (s *stopping) killCopies(t *target) {
	for range killRounds {
		copies, err := t.i.Copies()
		if err != nil {
			s.m.problem(t.i, "%s: %v", t.i, err)
			s.failed = true
		}
		if len(copies) == 0 {
			return
		}
		kill(copies)
	}
}

// family gives handles on all that belongs to the target.
func (s *stopping) family(t *target) []*pidfile.Process {
	tree, err := pidfile.ReadTree()
	if err != nil {
		s.m.problem(t.i, "%s: %v", t.i, err)
		s.failed = true
		return nil
	}
	return tree.Family(t.process)
}

// kill kills processes and waits until they are gone.
func kill(family []*pidfile.Process) {
	deadline := time.Now().Add(killGrace)
	for _, p := range family {
		_ = p.Signal(unix.SIGKILL)
	}
	for _, p := range family {
		p.Await(deadline)
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
