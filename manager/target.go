package manager

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// A target is one process that is to end: the server of an instance, or a
// worker that a dead server left behind.
type target struct {
	i        *server.Instance
	process  *pidfile.Process
	recorded int       // the pid in the instance's pidfile
	begun    time.Time // when it was signalled, of one that reads its conf anew
	deadline time.Time
	nudge    time.Time          // when to look whether it is stopped; zero: no more
	sockets  []pidfile.Socket   // where it listened
	steps    []aliases.StopStep // what comes after the deadline
	kill     bool               // and SIGKILL after the last of them
	gone     bool
	killed   bool
	// group are those of the family that get the stop signal, too.
	group []*pidfile.Process
	// family is what belonged to the server before it was signalled, where a
	// stop may kill: some of it may outlive the server.
	family []*pidfile.Process
	member bool // of such a family, and no server
	// predecessor is the server that has made this one as its successor and has not ended
	// yet, or 0. nginx's takes its pidfile back when the successor ends.
	predecessor int
}

// keepsLock says whether the instance stays locked when the target has ended: what is
// left of it is stopped, too, and a new server would be taken for that.
func (t *target) keepsLock() bool { return t.kill || t.predecessor != 0 }

// takenBack says whether the pidfile of a target that has ended is its predecessor's again.
func (t *target) takenBack() bool {
	if t.predecessor == 0 {
		return false
	}
	f := t.i.Inspect()
	f.Process.Close()
	return f.State == pidfile.Running && f.Record.PID == t.predecessor
}

// close lets go of the process and what belongs to it.
func (t *target) close() {
	t.process.Close()
	for _, p := range t.family {
		p.Close()
	}
	t.family = nil
}

// target takes down what is to become of a process.
func (s *stopping) target(i *server.Instance, pid int, p *pidfile.Process) *target {
	steps, now := s.m.stopSteps(i.Program), time.Now()
	t := &target{i: i, process: p, recorded: pid, deadline: now.Add(steps[0].Wait), nudge: now.Add(min(soon, steps[0].Wait/2)),
		steps: steps[1:], kill: s.m.mayKill(i.Program)}
	if s.ports && !s.m.Options.DryRun && !s.m.Options.Compat {
		t.sockets = p.Listening()
	}
	if s.tree != nil && (t.kill || i.Program.StopGroup) {
		var err error
		if t.family, err = s.tree.Family(p); err != nil {
			s.m.problem(i, "%s: %v", i, err)
			s.failed = true
		}
	}
	if i.Program.StopGroup {
		for _, member := range t.family { // once the leader has ended nobody can tell
			if pidfile.InGroup(member, p) {
				t.group = append(t.group, member)
			}
		}
	}
	return t
}

// sendStep sends one signal of a stop: to the server, and, if its program wants
// that, to the rest of its group.
func (s *stopping) sendStep(t *target, sig syscall.Signal) error {
	m, p := s.m, t.process
	if err := m.deliver(t.i, p, sig); err != nil {
		return err
	}
	for _, member := range t.group {
		if err := m.deliver(t.i, member, sig); err != nil && !errors.Is(err, pidfile.ErrGone) {
			m.problem(t.i, "%s: %v", t.i, err)
			s.failed = true
		}
	}
	return nil
}

func (m *Manager) stopSignal(p *aliases.Program) syscall.Signal {
	if m.Options.Graceful && p.GracefulSignal != 0 {
		return p.GracefulSignal
	}
	return p.StopSignal
}

// stopSteps are the signals of a stop, and how long each is given: at least one.
// With --kill-wait the last one has until that has passed since the first.
func (m *Manager) stopSteps(p *aliases.Program) []aliases.StopStep {
	steps := []aliases.StopStep{{Signal: m.stopSignal(p), Wait: p.StopWait}}
	if p.StopSteps != nil && !(m.Options.Graceful && p.GracefulSignal != 0) {
		steps = p.StopSteps
	}
	if m.Options.KillWait == nil {
		return steps
	}
	left := *m.Options.KillWait
	var out []aliases.StopStep
	for n, step := range steps {
		if n == len(steps)-1 || step.Wait >= left {
			return append(out, aliases.StopStep{Signal: step.Signal, Wait: left})
		}
		left -= step.Wait
		out = append(out, step)
	}
	return out
}

// mayKill says whether a stop of the program may come to SIGKILL.
func (m *Manager) mayKill(p *aliases.Program) bool {
	return m.Options.Kill || slices.ContainsFunc(m.stopSteps(p), func(step aliases.StopStep) bool { return step.Signal == unix.SIGKILL })
}
