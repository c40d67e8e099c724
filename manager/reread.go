package manager

import (
	"context"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// reread sends the reload signal to those instances of a program that run, and
// starts the others.
func (m *Manager) reread(ctx context.Context, s *server.Server) int {
	status := OK
	var down []*server.Instance
	var signalled []*target
	ok := m.eachBatch(ctx, s.Instances, false, func(batch []*server.Instance) {
		for _, i := range batch {
			t, err := m.rereadOne(i)
			switch {
			case err != nil:
				m.problem(i, "%s: %v", i, err)
				status = Failed
			case t != nil:
				signalled = append(signalled, t)
			default:
				down = append(down, i)
			}
			i.Unlock()
		}
	})
	if !ok {
		status = Failed
	}
	m.Console.Flush()
	status = max(status, m.survive(ctx, signalled))
	if len(down) == 0 || ctx.Err() != nil {
		return status
	}
	rest := *s
	rest.Instances = down
	return max(status, m.startAll(ctx, []*server.Server{&rest}, nil))
}

// rereadOne signals an instance that runs; nil for one that does not.
func (m *Manager) rereadOne(i *server.Instance) (*target, error) {
	f := i.Inspect()
	m.found(i, f)
	if f.State != pidfile.Running {
		return nil, nil
	}
	if err := m.send(i, f.Process, f.Process, i.Program.ReloadSignal); err != nil {
		f.Process.Close()
		return nil, err
	}
	return &target{i: i, process: f.Process, deadline: time.Now().Add(i.Program.StartWait)}, nil
}

// survive waits until every server that was signalled has lived on for as long
// as one has to live to count as started, and closes the handles.
func (m *Manager) survive(ctx context.Context, signalled []*target) int {
	status := OK
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		m.problem(nil, "%v", err)
		return Failed
	}
	defer w.Close()
	for n, t := range signalled {
		defer t.process.Close()
		if err := w.Add(t.process.FD(), n); err != nil {
			m.problem(t.i, "%s: %v", t.i, err)
			status = Failed
		}
	}
	for ctx.Err() == nil && !m.Options.DryRun && !m.Options.NoWait {
		latest := time.Time{}
		for _, t := range signalled {
			if !t.gone && t.deadline.After(latest) {
				latest = t.deadline
			}
		}
		if !latest.After(time.Now()) {
			break
		}
		keys, err := w.Wait(latest)
		if err != nil {
			m.problem(nil, "%v", err)
			return Failed
		}
		for _, key := range keys {
			t := signalled[key]
			w.Remove(t.process.FD())
			t.gone = true
			m.problem(t.i, "%s (%d) died when it was to read its conf anew (%s)", t.i, t.process.PID(), subject(t.i))
			m.result(t.i).After, m.result(t.i).PIDAfter = pidfile.Dead.String(), 0
			status = Failed
		}
	}
	return status
}
