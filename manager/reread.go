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
	r := &rereading{m: m, ctx: ctx, room: max(handles()/2, 1), begun: map[*server.Instance]bool{}}
	if !m.each(ctx, s.Instances, batching{size: r.room, act: r.batch, settle: func() {}}) {
		r.status = Failed
	}
	m.Console.Flush()
	if m.Options.DryRun && len(r.signalled) > 0 && s.Program.StartWait > 0 && !m.Options.NoWait {
		m.would("wait whether %s lives on for %s s", s.Program.Name, seconds(s.Program.StartWait))
	}
	r.survive()
	if ctx.Err() != nil {
		for _, i := range s.Instances {
			if !r.begun[i] {
				m.problem(i, "interrupted: %s (%s) was not begun", i, subject(i))
			}
		}
		return Failed
	}
	if len(r.down) == 0 {
		return r.status
	}
	rest := *s
	rest.Instances = r.down
	return max(r.status, m.startAll(ctx, []*server.Server{&rest}, nil))
}

// A rereading is one round of reload signals.
type rereading struct {
	m         *Manager
	ctx       context.Context
	room      int                       // half of that for handles: a batch may bring as many again
	signalled []*target                 // and not waited for yet
	down      []*server.Instance        // not running
	begun     map[*server.Instance]bool // those that were signalled, or could not be
	status    int
}

// batch signals instances whose locks are held. When there is no room for more handles
// it waits, with no lock held.
func (r *rereading) batch(batch []*server.Instance) {
	for _, i := range batch {
		r.one(i)
		i.Unlock()
	}
	if len(r.signalled) >= r.room {
		r.m.Console.Flush()
		r.survive()
	}
}

func (r *rereading) one(i *server.Instance) {
	t, err := r.m.rereadOne(r.ctx, i)
	switch {
	case err != nil:
		r.m.problem(i, "%s: %v", i, err)
		r.status, r.begun[i] = Failed, true
	case t == nil:
		r.down = append(r.down, i)
	default:
		r.begun[i] = true
		r.signalled = append(r.signalled, t)
		if r.m.Options.DryRun { // all come in one batch, and nobody waits
			if r.m.halted(i, t.process.PID()) {
				r.status = Failed
			}
			t.process.Close()
		}
	}
}

// survive is survive of those that were signalled and not waited for yet.
func (r *rereading) survive() {
	if r.m.Options.DryRun {
		return
	}
	r.status = max(r.status, r.m.survive(r.ctx, r.signalled))
	r.signalled = nil
}

// rereadOne signals an instance that runs; nil for one that does not, and once ctx has
// ended.
func (m *Manager) rereadOne(ctx context.Context, i *server.Instance) (*target, error) {
	if ctx.Err() != nil {
		return nil, nil
	}
	f := i.Inspect()
	m.found(i, f)
	if f.State != pidfile.Running {
		return nil, nil
	}
	begun := time.Now()
	if err := m.send(i, f.Process, f.Process, i.Program.ReloadSignal); err != nil {
		f.Process.Close()
		return nil, err
	}
	return &target{i: i, process: f.Process, begun: begun, deadline: time.Now().Add(i.Program.StartWait)}, nil
}

// survive waits until every server that was signalled has lived on for as long
// as one has to live to count as started, and closes the handles. By then
// another process may have taken its place in a pidfile that it writes itself.
func (m *Manager) survive(ctx context.Context, signalled []*target) int {
	defer func() {
		for _, t := range signalled {
			t.process.Close()
		}
	}()
	status := OK
	if !m.Options.NoWait {
		var err error
		if status, err = m.liveOn(ctx, signalled); err != nil {
			m.problem(nil, "%v", err)
			return Failed
		}
	}
	for _, t := range signalled {
		switch {
		case t.gone && t.i.Program.OwnPidfile():
			status = max(status, m.reborn(t))
		case !t.gone && m.halted(t.i, t.process.PID()):
			status = Failed
		case !t.gone && ctx.Err() == nil:
			m.taken(t.i, t.process.PID(), t.begun)
		}
	}
	return status
}

// liveOn waits until nothing more can come of those that were signalled, and notes which
// of them have ended.
func (m *Manager) liveOn(ctx context.Context, signalled []*target) (status int, err error) {
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		return Failed, err
	}
	defer w.Close()
	for n, t := range signalled {
		if err := w.Add(t.process.FD(), n); err != nil {
			m.problem(t.i, "%s: %v", t.i, err)
			status = Failed
		}
	}
	defer m.Console.waited()
	for ctx.Err() == nil {
		latest := lastDeadline(signalled)
		if !latest.After(time.Now()) {
			break
		}
		m.Console.waiting(progress{Doing: "reloading", Total: len(signalled), Who: signalled[0].i.Label(), Since: signalled[0].begun})
		keys, err := w.Wait(latest)
		if err != nil {
			return Failed, err
		}
		for _, key := range keys {
			t := signalled[key]
			w.Remove(t.process.FD())
			t.gone = true
			if !t.i.Program.OwnPidfile() {
				status = max(status, m.reborn(t))
			}
		}
	}
	return status, nil
}

// lastDeadline is until when something can come of those that were signalled: nothing
// more comes of one that has ended, unless another process may take its place.
func lastDeadline(signalled []*target) time.Time {
	latest := time.Time{}
	for _, t := range signalled {
		if (!t.gone || t.i.Program.OwnPidfile()) && t.deadline.After(latest) {
			latest = t.deadline
		}
	}
	return latest
}

// reborn says whether another process has taken the place of a server that was
// to read its conf anew and has ended: some start themselves again for that.
func (m *Manager) reborn(t *target) int {
	f := t.i.Inspect()
	f.Process.Close()
	r := m.result(t.i)
	r.After, r.PIDAfter = f.State.String(), f.Record.PID
	if f.State == pidfile.Running {
		m.note("%s (%d) has a successor: %d", t.i, t.process.PID(), f.Record.PID)
		return OK
	}
	if f.State == pidfile.Unknown {
		m.problem(t.i, "%s (%d - %s) has ended, and whether another process has taken its place cannot be told: %v", t.i, t.process.PID(), subject(t.i), f.Err)
		return Failed
	}
	m.problem(t.i, "%s (%d) died when it was to read its conf anew (%s)", t.i, t.process.PID(), subject(t.i))
	return Failed
}

// halted says of a server that was signalled and has not ended if it is stopped
// (SIGSTOP): the signal waits until it goes on (signal(7)), and so does what it was
// for. Who has stopped it may have had a reason, so it is not let go on, as it is
// where it has to end anyway.
func (m *Manager) halted(i *server.Instance, pid int) bool {
	if pidfile.StateOf(pid) != "T" {
		return false
	}
	m.problem(i, "%s (%d - %s) is stopped (state T): it heeds no signal until it goes on", i, pid, subject(i))
	m.Console.Hint("kill -CONT %d lets it go on; the signal waits for that", pid)
	return true
}
