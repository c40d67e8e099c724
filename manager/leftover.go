package manager

import (
	"context"
	"fmt"

	"mgr/pidfile"
	"mgr/server"
)

// copies signals, where a stop may kill, what still shows the command line of a
// server though its process has gone: workers that an earlier one left behind.
// Servers that no pidfile named in this run are not looked for.
func (s *stopping) copies(ctx context.Context, stopped []*target) []*target {
	m := s.m
	if len(stopped) == 0 || !m.Options.Kill || m.Options.Compat || m.Options.DryRun || ctx.Err() != nil {
		return nil
	}
	var gone []*server.Instance
	seen := map[*server.Instance]bool{}
	for _, t := range stopped {
		if t.gone && !seen[t.i] {
			seen[t.i] = true
			gone = append(gone, t.i)
		}
	}
	copies, err := m.Fleet.Copies(gone)
	if err != nil {
		for _, i := range gone {
			m.problem(i, "%s (%s): what is left of it cannot be looked for: %v", i, subject(i), err)
		}
		s.failed = true
	}
	var found []*target
	for _, i := range gone {
		if left := copies[i]; len(left) > 0 {
			m.warn(i, "%s (%s): %d processes with its command line are left: stopping them", i, subject(i), len(left))
			found = append(found, s.send(i, 0, left)...)
		}
	}
	m.Console.Flush()
	return found
}

// leftover deals with a pidfile that names no running server. What it gives is
// to be waited for: workers that a dead server left behind.
func (s *stopping) leftover(i *server.Instance, f pidfile.Finding) []*target {
	m := s.m
	switch f.State {
	case pidfile.Stopped:
	case pidfile.Dead:
		return s.dead(i, f.Record)
	case pidfile.Foreign:
		if i.Stray(f) {
			s.ran[i.Program] = true // or it cannot be told
			m.problem(i, "%s: %v, and no other pidfile names it: left alone, pidfile %q kept", i, f.Err, i.Pidfile)
			m.titleHint(f)
			s.failed = true
			return nil
		}
		m.warn(i, "%s: %s: not signalled, %s pidfile %q", i, m.holder(f), m.tense("removing", "would remove"), i.Pidfile)
		s.removeStale(i, f.Record.PID)
	case pidfile.Malformed:
		err := m.unnamed(i, f)
		if err == nil {
			err = m.removeJunk(i, f)
		}
		if err != nil {
			s.ran[i.Program] = true
			m.problem(i, "%s: %v", i, err)
			s.failed = true
		}
	default:
		s.ran[i.Program] = true
		m.problem(i, "%s (%s): cannot tell whether it runs: %v", i, subject(i), f.Err)
		s.failed = true
	}
	return nil
}

// orphans stops the workers that a server left behind when it died: they hold
// its port. swift-init leaves them (and ships swift-orphans to find them).
func (s *stopping) orphans(i *server.Instance, rec pidfile.Record) ([]*target, error) {
	pid := rec.PID
	if s.m.Options.Compat {
		return nil, nil
	}
	left, err := s.remains.Of(i, rec)
	if err == nil && len(left) == 0 && s.m.Options.Kill {
		left, err = s.remains.Orphans(i, rec) // of a server that led no group
	}
	if err != nil { // none is to end before all are known
		closeAll(left)
		return nil, err
	}
	if len(left) == 0 {
		return nil, nil
	}
	s.m.warn(i, "%s (%d - %s) is dead and left %d workers behind: %s them", i, pid, subject(i), len(left), s.m.tense("stopping", "would stop"))
	return s.send(i, pid, left), nil
}

func closeAll(processes []*pidfile.Process) {
	for _, p := range processes {
		p.Close()
	}
}

// unnamed says whether the server runs though its pidfile names nobody: then
// the pidfile must not go, and no second server be started.
func (m *Manager) unnamed(i *server.Instance, f pidfile.Finding) error {
	copies, err := i.Alike()
	defer closeAll(copies)
	if err != nil || len(copies) == 0 {
		return err
	}
	return fmt.Errorf("%w, but pid %d runs this server: write that into it, or stop it by hand", f.Err, copies[0].PID())
}

// removeJunk removes a regular file that holds no pid. Anything else that
// stands where a pidfile belongs was put there by somebody who should take it
// away again.
func (m *Manager) removeJunk(i *server.Instance, f pidfile.Finding) error {
	if err := m.removePidfile(i, 0); err != nil {
		return err
	}
	switch {
	case !m.Options.Compat:
		m.warn(i, "%s: %v: %s", i, f.Err, m.tense("removed", "would remove it"))
	case !m.Options.DryRun:
		m.Console.Say("Removing pid file %s with invalid pid", i.Pidfile)
	}
	m.did(i, removePidfile, pidfile.Stopped, 0)
	return nil
}

// removeStale removes a pidfile whose process was gone already.
func (s *stopping) removeStale(i *server.Instance, pid int) {
	if s.remove(i, pid) {
		s.m.did(i, removePidfile, pidfile.Stopped, 0)
	}
}

// noteStale says at -v that the pidfile of a dead server goes.
func (m *Manager) noteStale(i *server.Instance) {
	if !m.Options.DryRun {
		m.note("Removing stale pid file %s", i.Pidfile)
	}
}

// remove removes the pidfile of a process that is gone, and says whether it did.
// That it cannot be removed does not make the server run: it is said, and no
// failure.
func (s *stopping) remove(i *server.Instance, pid int) bool {
	err := s.m.removePidfile(i, pid)
	if err != nil {
		s.m.warn(i, "%s: %v", i, err)
	}
	return err == nil
}

// look has what belongs to whom looked at anew: before the first signal of a batch, and
// again once others were waited for, since a server may have made workers meanwhile.
func (s *stopping) look() {
	s.tree, s.remains = nil, server.Remains{}
	if s.families {
		s.tree = s.snapshot()
	}
}

// snapshot is taken before the first signal of a stop that may kill, or that
// signals groups: later nobody can tell the workers of a server that has ended.
func (s *stopping) snapshot() *pidfile.Tree {
	tree, err := pidfile.ReadTree()
	if err != nil {
		s.m.problem(nil, "what belongs to the servers cannot be seen: %v", err)
		s.failed = true
		return nil
	}
	return tree
}

// outliving gives what is left of the families of servers that have ended. It
// has until the server's deadline to end as well.
func outliving(stopped []*target) []*target {
	var left []*target
	for _, t := range stopped {
		for _, p := range t.family {
			if t.gone && !p.Exited() {
				left = append(left, &target{i: t.i, process: p, deadline: t.deadline, kill: t.kill, member: true})
			} else {
				p.Close()
			}
		}
		t.family = nil
	}
	return left
}
