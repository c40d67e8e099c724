package manager

import (
	"context"
	"errors"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// The pauses between two looks at servers that re-execute themselves: the
// kernel has no event for execve(2) but a tracer's. They grow, since a look
// reads all of /proc.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// longestLock is how long a server that is to make a successor stays locked: if
// it does not do so, somebody may have to stop it.
const longestLock = 5 * time.Second

// seamless asks the servers that can to re-execute themselves, all at once, and
// waits until each is ready again.
func (m *Manager) seamless(ctx context.Context, servers []*server.Server) int {
	servers, told := m.onlyStale(servers)
	if len(servers) == 0 {
		return told
	}
	if !m.testConfs(ctx, servers, func(p *aliases.Program) bool { return p.SeamlessSignal != 0 }) {
		return Failed
	}
	var tree *pidfile.Tree
	if m.awaitsReexec() {
		var err error
		if tree, err = pidfile.ReadTree(); err != nil {
			m.problem(nil, "%v", err)
			return Failed
		}
	}
	var begun, succeeding []*server.Reexec
	settled := OK
	settle := func() {
		m.Console.Flush()
		settled = max(settled, m.awaitReexec(ctx, succeeding))
		succeeding = nil
	}
	status := m.signalEach(ctx, servers, func(i *server.Instance, p *pidfile.Process) (int, error) {
		sig := i.Program.SeamlessSignal
		if sig == 0 {
			m.cannotReexec(i)
			return 1, nil
		}
		r, err := m.beginReexec(i, p, tree)
		if err == nil {
			err = m.send(i, p, p, sig)
		}
		switch {
		case r == nil:
		case err != nil:
			r.Close()
		case i.Program.RetireSignal != 0:
			succeeding = append(succeeding, r)
		default:
			begun = append(begun, r)
		}
		return 1, err
	}, settle)
	m.Console.Flush()
	return max(told, status, settled, m.awaitReexec(ctx, begun))
}

func (m *Manager) cannotReexec(i *server.Instance) {
	if name := i.Program.Name; !m.warned[name] {
		m.warned[name] = true
		m.Console.Warn("%s cannot re-execute itself: left alone", name)
	}
}

// awaitsReexec says whether anybody waits until servers are ready again.
func (m *Manager) awaitsReexec() bool {
	return !m.Options.NoWait && !m.Options.Compat && !m.Options.DryRun
}

// beginReexec takes note of the server as it is; nil if nobody will wait.
func (m *Manager) beginReexec(i *server.Instance, p *pidfile.Process, tree *pidfile.Tree) (*server.Reexec, error) {
	if !m.awaitsReexec() {
		return nil, nil
	}
	own, err := p.Dup()
	if err != nil {
		return nil, err
	}
	return server.NewReexec(i, own, tree)
}

// awaitReexec waits until every server is through, has died, or is out of time.
func (m *Manager) awaitReexec(ctx context.Context, left []*server.Reexec) int {
	if len(left) == 0 {
		return OK
	}
	status := OK
	all := left
	defer func() {
		for _, r := range all {
			r.Close()
		}
	}()
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		m.problem(nil, "%v", err)
		return Failed
	}
	defer w.Close()
	for n, r := range left {
		if err := w.Add(r.Process.FD(), n); err != nil {
			m.problem(r.Instance, "%s: %v", r.Instance, err)
			return Failed
		}
	}
	defer m.Console.Waited()
	for pause := firstLook; len(left) > 0 && ctx.Err() == nil; pause = min(pause*3/2, lastLook) {
		r := left[0]
		m.Console.Waiting(Progress{Doing: "re-executing", Done: len(all) - len(left), Total: len(all),
			Who: whose(r.Instance, r.Process.PID()), Since: r.Begun, Limit: r.Instance.Program.ReadyWait})
		tree, err := pidfile.ReadTree()
		if err != nil {
			m.problem(nil, "%v", err)
			return Failed
		}
		var still []*server.Reexec
		for _, r := range left {
			over, ok := m.judgeReexec(r, tree)
			if over || time.Since(r.Begun) > longestLock {
				r.Instance.Unlock()
			}
			switch {
			case !over:
				still = append(still, r)
			case !ok:
				status = Failed
				fallthrough
			default:
				w.Remove(r.Process.FD())
			}
		}
		left = still
		if len(left) > 0 {
			if _, err := w.Wait(time.Now().Add(pause)); err != nil {
				m.problem(nil, "%v", err)
				return Failed
			}
		}
	}
	if ctx.Err() == nil {
		status = max(status, m.drain(ctx, all))
	}
	for _, r := range left {
		m.problem(r.Instance, "interrupted: %s (%d - %s) was asked to re-execute itself and is not ready yet",
			r.Instance, r.Process.PID(), subject(r.Instance))
	}
	return status
}

// judgeReexec says whether r need not be waited for any more, and whether all
// went well.
func (m *Manager) judgeReexec(r *server.Reexec, tree *pidfile.Tree) (over, ok bool) {
	i, pid := r.Instance, r.Process.PID()
	limit := i.Program.ReadyWait
	switch {
	case r.Fails():
		m.problem(i, "%s (%d) died when it was to re-execute itself (%s)", i, pid, subject(i))
		m.result(i).After, m.result(i).PIDAfter = pidfile.Dead.String(), 0
		return true, false
	case !r.Visible():
		m.note("%s (%d): not permitted to see whether it has re-executed itself", i, pid)
		return true, true
	case r.Through(tree):
		m.result(i).Seconds = time.Since(m.begun).Seconds()
		if r.Successor != 0 {
			return true, m.retire(r)
		}
		m.taken(i, pid, r.Begun)
		m.note("%s (%d): re-executed", i, pid)
		return true, true
	case limit > 0 && time.Since(r.Begun) > limit && r.Successor != 0:
		m.problem(i, "%s (%s): after %s s its successor, %d, has no worker; the old one, %d, was left as it is", i, subject(i), seconds(limit), r.Successor, pid)
		m.result(i).PIDAfter = r.Successor
		return true, false
	case limit > 0 && time.Since(r.Begun) > limit:
		m.problem(i, "%s (%d - %s) has not re-executed itself, or is not ready, after %s s", i, pid, subject(i), seconds(limit))
		return true, false
	}
	return false, false
}

// retire asks the old server to end, now that its successor is there.
func (m *Manager) retire(r *server.Reexec) bool {
	i, sig := r.Instance, r.Instance.Program.RetireSignal
	m.Console.Say("%s (%d) has a successor: %d", i, r.Process.PID(), r.Successor)
	err := m.send(i, r.Process, r.Process, sig)
	m.result(i).PIDAfter = r.Successor
	if err != nil && !errors.Is(err, pidfile.ErrGone) {
		m.problem(i, "%s: %v", i, err)
		return false
	}
	return true
}
