package manager

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// restart is stop, then start, once it is known that the start is possible.
func (m *Manager) restart(ctx context.Context, servers []*server.Server) int {
	servers, told := m.onlyStale(servers)
	if len(servers) == 0 {
		return told
	}
	servers, status := m.mayRestart(ctx, servers, func(*aliases.Program) bool { return true })
	if len(servers) == 0 {
		return max(told, status)
	}
	return max(told, status, m.rolling(ctx, servers, m.stopAndStart))
}

// mayRestart makes sure, before a running server is touched, that its conf is good
// and, if ends says that its program is stopped, that it could be started again. It
// gives the servers to go on with: none if something stands against all of them.
func (m *Manager) mayRestart(ctx context.Context, servers []*server.Server, ends func(*aliases.Program) bool) ([]*server.Server, int) {
	if status := m.preflight(servers); status != OK {
		return nil, status
	}
	if !m.testConfs(ctx, servers, func(*aliases.Program) bool { return true }) {
		return nil, Failed
	}
	if m.Options.Compat {
		return servers, OK
	}
	return m.startable(servers, ends)
}

// startable leaves out of servers what could not be started again once it is
// stopped, as far as the run directory goes: instances must be locked, as a start
// insists on, and nothing may be in the way of their pidfiles. What is wrong with one
// of them keeps the others from nothing, unless they are to be restarted a few at a
// time, and no further than the first failure.
func (m *Manager) startable(servers []*server.Server, ends func(*aliases.Program) bool) ([]*server.Server, int) {
	var out []*server.Server
	b := &barred{}
	for _, s := range servers {
		if !ends(s.Program) || len(s.Instances) == 0 {
			out = append(out, s)
			continue
		}
		some := *s
		some.Instances = slices.DeleteFunc(slices.Clone(s.Instances), b.has)
		if len(some.Instances) > 0 {
			out = append(out, &some)
		}
	}
	if first := b.first(); first != nil {
		if err := m.tryRunDir(first); err != nil {
			m.problem(nil, "%v: nothing could be started again", err)
			m.Console.Hint("no server was touched")
			return nil, Failed
		}
	}
	if len(b.which) == 0 {
		return servers, OK
	}
	for n, i := range b.which {
		m.problem(i, "%s (%s) could not be started again: %v", i, subject(i), b.why[n])
	}
	if len(out) == 0 || m.Options.Serial != nil && *m.Options.Serial != 0 {
		m.Console.Hint("no server was touched")
		return nil, Failed
	}
	m.Console.Hint("what could be is restarted, the rest is left as it is")
	return out, Failed
}

// barred collects what could not be started again, and why.
type barred struct {
	which []*server.Instance
	why   []error
	good  *server.Instance // the first that could be
}

// has says whether i could not be started again. What has no conf is not started.
func (b *barred) has(i *server.Instance) bool {
	if i.Orphan {
		return false
	}
	err := i.Startable()
	if err == nil {
		b.good = cmp.Or(b.good, i)
		return false
	}
	b.which, b.why = append(b.which, i), append(b.why, err)
	return true
}

// first is the instance that stands for all in what the run directory as a whole
// is asked: one that could be started, or any if all have one and the same reason.
func (b *barred) first() *server.Instance {
	if b.good != nil || len(b.which) == 0 {
		return b.good
	}
	for _, err := range b.why {
		var errno, other unix.Errno
		if !errors.As(b.why[0], &errno) || !errors.As(err, &other) || errno != other {
			return nil
		}
	}
	return b.which[0]
}

// tryRunDir takes and gives up a lock, and writes and removes a file. That
// somebody else holds the lock tells as much.
func (m *Manager) tryRunDir(i *server.Instance) error {
	if err := m.openRunDir(); err != nil {
		return err
	}
	if m.Options.DryRun {
		err := i.MayLock()
		switch {
		case errors.Is(err, pidfile.ErrLocked), errors.Is(err, fs.ErrNotExist): // it would be made
			return nil
		case err != nil:
			return err
		}
		return i.MayWrite()
	}
	err := i.TryLock()
	if errors.Is(err, pidfile.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer i.Unlock()
	return i.TryPidfile()
}

// stopAndStart stops, then starts. What could not be stopped is not started.
func (m *Manager) stopAndStart(ctx context.Context, servers []*server.Server) int {
	s := &stopping{m: m, begun: map[*server.Instance]bool{}, ran: map[*aliases.Program]bool{}, ports: true}
	s.all(ctx, servers)
	if ctx.Err() != nil {
		for _, t := range s.targets {
			if t.gone && !t.member {
				m.problem(t.i, "interrupted: %s (%s) was stopped, and not started again", t.i, subject(t.i))
			}
		}
		return Failed
	}
	stuck := m.stuck(s)
	for _, i := range slices.Concat(s.loose, s.held) {
		stuck[i] = true
	}
	for i := range m.givenBack(ctx, s.targets) {
		s.failed, stuck[i] = true, true
	}
	status := m.startAll(ctx, servers, stuck)
	if m.Options.Compat {
		return max(status, s.compat())
	}
	return max(status, s.status())
}

// stuck gives the instances that still run after a stop, having said that they
// will not be started.
func (m *Manager) stuck(s *stopping) map[*server.Instance]bool {
	if m.Options.Compat {
		return map[*server.Instance]bool{} // swift-init tries, and finds them running
	}
	stuck := map[*server.Instance]bool{}
	for _, t := range s.targets {
		if !t.gone {
			stuck[t.i] = true
			m.problem(t.i, "%s (%d - %s) was not stopped, so it is not started", t.i, t.process.PID(), subject(t.i))
		}
	}
	return stuck
}

// reload has the servers read their confs anew, one program after the other: by
// the signal that a program has for it, or by a graceful restart.
func (m *Manager) reload(ctx context.Context, servers []*server.Server) int {
	servers, status := m.onlyStale(servers)
	if len(servers) == 0 {
		return status
	}
	servers, left := m.mayRestart(ctx, servers, func(p *aliases.Program) bool { return p.ReloadSignal == 0 })
	if status = max(status, left); len(servers) == 0 {
		return status
	}
	m.Options.Graceful = true
	if m.Options.Compat && m.Options.Strict == nil {
		always := true // swift-init makes a Manager for each name
		m.Options.Strict = &always
	}
	if m.Options.Serial != nil {
		return max(status, m.rolling(ctx, servers, m.reloadAtOnce))
	}
	for _, s := range servers {
		if ctx.Err() != nil {
			m.problem(nil, "interrupted: %s was not begun", s.Program.Name)
			continue
		}
		if len(s.Instances) == 0 && !m.Options.Compat && !m.strict(servers) {
			continue
		}
		status = max(status, m.reloadAtOnce(ctx, []*server.Server{s}))
		m.Console.Flush()
	}
	return status
}

// reloadAtOnce reloads all of servers at the same time: first those that have a
// signal for it, one program after the other, then the others.
func (m *Manager) reloadAtOnce(ctx context.Context, servers []*server.Server) int {
	status := OK
	var others []*server.Server
	for _, s := range servers {
		if s.Program.ReloadSignal == 0 {
			others = append(others, s)
			continue
		}
		status = max(status, m.reread(ctx, s))
	}
	if len(others) > 0 && ctx.Err() == nil {
		status = max(status, m.stopAndStart(ctx, others))
	}
	return status
}
