package manager

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// This file is what a dry run does in the place of what it must not do: it finds
// out whether that could be done, and says what would be waited for.

// unlocked gives, in a dry run, the instances that would be acted on, and whether
// all goes well with the others.
func (m *Manager) unlocked(all []*server.Instance, without string) ([]*server.Instance, bool) {
	var out []*server.Instance
	ok := true
	for _, i := range all {
		err := i.MayLock()
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist): // it would be made
		case errors.Is(err, pidfile.ErrLocked):
			m.would("wait for %s, which is acting on %s (%s)", m.lockHolder(i), i, subject(i))
		case without != "":
			ok = m.unlockable(i, without, err) && ok
			continue
		default:
			m.noLock(err)
		}
		out = append(out, i)
	}
	return out, ok
}

// mayMakeRunDir says what would keep a start from opening the run directory.
func (m *Manager) mayMakeRunDir() error {
	err := m.Fleet.Open(pidfile.LeaveIt)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := server.DirWritable(m.Fleet.RunDir); err != nil {
		return fmt.Errorf("run directory %q: %w", m.Fleet.RunDir, err)
	}
	return nil
}

// wouldLaunch foretells the start of an instance.
func (s *starting) wouldLaunch(i *server.Instance, mode server.Mode) {
	m := s.m
	err := i.MayLaunch(mode)
	if err == nil && m.Options.Compat { // nobody has looked yet
		if errs := i.Preflight(); len(errs) > 0 {
			err = errs[0]
		}
	}
	if err != nil {
		m.problem(i, "%s (%s): not started: %v", i, subject(i), err)
		m.did(i, "start", pidfile.Stopped, 0).undone("start") // but for the pidfile that was in the way
		s.failed = true
		return
	}
	after := pidfile.Running
	if mode.Foreground || mode.Once && !m.Options.NoWait {
		after = pidfile.Stopped
	}
	if mode.Once {
		m.would("run %s once...(%s)", i, subject(i))
	} else {
		m.would("start %s...(%s)", i, subject(i))
	}
	m.did(i, "start", after, 0)
	s.launched = append(s.launched, i)
}

// wouldAwait says what a start would wait for.
func (s *starting) wouldAwait() {
	m, o := s.m, s.m.Options
	for _, p := range programs(s.launched) {
		kind := p.Ready.Kind()
		switch {
		case o.Foreground:
			m.would("stay until %s has ended", p.Name)
		case o.NoWait:
		case o.Once && p.OnceArgs != nil:
			m.would("wait for the pass of %s", p.Name)
		case kind == aliases.ReadyStarted && p.StartWait == 0:
		case kind == aliases.ReadyStarted:
			m.would("wait until %s has run for %s s", p.Name, seconds(p.StartWait))
		default:
			m.would("wait until %s is ready (%s)%s", p.Name, kind, atMost(p.ReadyWait))
		}
	}
	s.launched = nil
}

// wouldEnd foretells the end of a target.
func (s *stopping) wouldEnd(t *target) {
	after, pid := pidfile.Stopped, 0
	if t.recorded != 0 {
		if err := t.i.MayRemove(t.recorded); err != nil {
			s.m.warn(t.i, "%s: %v", t.i, err)
			after, pid = pidfile.Dead, t.recorded
		}
	}
	s.m.did(t.i, "stop", after, pid)
	t.gone = true
	t.close()
}

// wouldWait says how long a stop would wait for what it has signalled, and what it
// would do then.
func (s *stopping) wouldWait(signalled []*target) {
	var all []*server.Instance
	for _, t := range signalled {
		all = append(all, t.i)
	}
	for _, p := range programs(all) {
		var b strings.Builder
		steps := s.m.stopSteps(p)
		for n, step := range steps {
			switch {
			case n == 0:
				fmt.Fprintf(&b, "wait for %s to stop", p.Name)
			case step.Signal == unix.SIGKILL:
				b.WriteString(", then kill it")
				continue
			default:
				fmt.Fprintf(&b, ", then send %s", signalName(step.Signal))
			}
			b.WriteString(atMost(step.Wait))
		}
		if s.m.Options.Kill && steps[len(steps)-1].Signal != unix.SIGKILL {
			b.WriteString(", then kill it")
		}
		s.m.would("%s", b.String())
	}
}

// wouldReexec says what a seamless reload would wait for.
func (m *Manager) wouldReexec(signalled []*server.Instance) {
	o := m.Options
	for _, i := range signalled {
		if sig := i.Program.RetireSignal; sig != 0 && !o.NoWait && !o.Compat {
			r := m.result(i)
			m.would("wait until %s (%s) has a successor%s, then signal %d  signal: %d", i, subject(i), atMost(i.Program.ReadyWait), r.PIDBefore, sig)
			r.PIDAfter, r.Signal = 0, signalName(sig)
			r.Signals = append(r.Signals, sentSignal{PID: r.PIDBefore, Signal: signalName(sig)})
		}
	}
	for _, p := range programs(signalled) {
		if p.RetireSignal == 0 && !o.NoWait && !o.Compat {
			m.would("wait until %s is ready again%s", p.Name, atMost(p.ReadyWait))
		}
		if o.Drain > 0 && !o.NoWait && !o.Compat {
			m.would("wait for old workers of %s%s", p.Name, atMost(o.Drain))
		}
	}
}

// wouldAdopt foretells that pid gets the pidfile of i, which was found as f says.
func (m *Manager) wouldAdopt(i *server.Instance, f pidfile.Finding, pid int) error {
	if f.State == pidfile.Malformed {
		if err := m.removePidfile(i, 0); err != nil {
			return err
		}
		m.did(i, removePidfile, pidfile.Stopped, 0)
	}
	m.would("adopt %s (%d - %s): %s", i, pid, subject(i), m.Fleet.Reader.Describe(pid))
	if err := i.MayAdopt(); err != nil {
		return err
	}
	m.did(i, "adopt", pidfile.Running, pid)
	return nil
}

// programs gives those of instances, each once, in their order.
func programs(all []*server.Instance) []*aliases.Program {
	var out []*aliases.Program
	for _, i := range all {
		if !slices.Contains(out, i.Program) {
			out = append(out, i.Program)
		}
	}
	return out
}

// atMost is the bound of a wait; 0: none.
func atMost(limit time.Duration) string {
	if limit == 0 {
		return ""
	}
	return ", " + seconds(limit) + " s at the most"
}

// removePidfile removes a pidfile that holds pid, 0 standing for a malformed one. A
// dry run only finds out whether it could.
func (m *Manager) removePidfile(i *server.Instance, pid int) error {
	if m.Options.DryRun {
		err := i.MayRemove(pid)
		if err == nil {
			m.would("remove %s", i.Pidfile)
		}
		return err
	}
	return i.Remove(pid)
}

// foreseen is what would be found by now: in a dry run what was found, unless that
// would have been stopped.
func (m *Manager) foreseen(i *server.Instance, f pidfile.Finding) pidfile.Finding {
	if !m.foretold(i) {
		return f
	}
	switch m.result(i).After {
	case pidfile.Stopped.String():
		return pidfile.Finding{State: pidfile.Stopped}
	case pidfile.Dead.String():
		return pidfile.Finding{State: pidfile.Dead, Record: f.Record}
	}
	return f
}
