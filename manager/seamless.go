package manager

import (
	"context"
	"errors"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// perReexec is how many descriptors a server takes that re-executes itself: its
// handle, and where it says how it goes, of which there may be two.
const perReexec = 3

// A reloading is one seamless reload.
type reloading struct {
	m       *Manager
	ctx     context.Context
	signals *signals
	size    int                // of a wave
	waves   bool               // there are several
	tree    *pidfile.Tree      // before the servers of this wave are signalled; nil if nobody waits
	asked   []*server.Instance // where nobody waits
	begun   []*server.Reexec   // signalled, and waited for when all are
	held    []*server.Instance // locked until their successors are there
	settled int
}

// seamless asks the servers that can to re-execute themselves, all at once, and
// waits until each is ready again. Where there are more than descriptors for
// them, they come in waves.
func (m *Manager) seamless(ctx context.Context, servers []*server.Server) int {
	servers, told := m.onlyStale(servers)
	if len(servers) == 0 {
		return told
	}
	if !m.testConfs(ctx, servers, func(p *aliases.Program) bool { return p.SeamlessSignal != 0 }) {
		return Failed
	}
	all := instances(servers)
	r := &reloading{m: m, ctx: ctx, size: max(handles()/perReexec, 1)}
	r.waves = len(all) > r.size && m.awaitsReexec()
	r.signals = m.newSignals(r.begin)
	m.each(ctx, all, batching{size: r.size, act: r.wave, settle: r.settle})
	r.await()
	if m.Options.DryRun {
		m.wouldReexec(r.asked)
	}
	return max(told, r.signals.status(ctx, servers), r.settled)
}

// wave signals instances whose locks are held.
func (r *reloading) wave(batch []*server.Instance) {
	m := r.m
	if m.awaitsReexec() {
		var err error
		if r.tree, err = pidfile.ReadTree(); err != nil {
			r.unseen(batch, err)
			return
		}
	}
	for _, i := range batch {
		r.signals.signal(r.ctx, i)
		// A server that makes a successor stays locked, since its pidfile names
		// nobody meanwhile.
		if i.Program.RetireSignal != 0 && r.tree != nil {
			r.held = append(r.held, i)
		} else {
			i.Unlock()
		}
	}
	m.Console.Flush()
	if r.waves {
		r.await()
	}
}

// unseen says of instances that they are not signalled, since nobody could see whether
// they re-execute themselves, and gives up their locks.
func (r *reloading) unseen(batch []*server.Instance, err error) {
	for _, i := range batch {
		r.m.problem(i, "%s (%s): not signalled, since it could not be seen whether it re-executes itself: %v", i, subject(i), err)
		r.signals.begun[i] = true
		of := r.signals.of(i.Program)
		of.failed, of.untold = true, true
	}
	unlock(batch)
}

// begin signals one server.
func (r *reloading) begin(i *server.Instance, p *pidfile.Process) (int, error) {
	m, sig := r.m, i.Program.SeamlessSignal
	if sig == 0 {
		m.cannotReexec(i)
		return 1, nil
	}
	if i.Program.RetireSignal != 0 && !m.Options.Compat {
		if old := i.Predecessor(p); old != 0 {
			r.tooSoon(i, p, old)
			return 1, nil
		}
	}
	if r.tree == nil {
		return 1, r.ask(i, p)
	}
	own, err := p.Dup()
	if err != nil {
		return 1, err
	}
	re, err := server.NewReexec(i, own, r.tree)
	if err != nil {
		return 1, err
	}
	if re.Deaf != nil {
		m.note("%s (%d): %v: what is seen of it decides", i, p.PID(), re.Deaf)
	}
	if err := m.send(i, p, p, sig); err != nil {
		re.Close()
		return 1, err
	}
	r.begun = append(r.begun, re)
	return 1, nil
}

// tooSoon says that a server is itself the successor of one that has yet to end.
func (r *reloading) tooSoon(i *server.Instance, p *pidfile.Process, old int) {
	m := r.m
	m.Console.Flush()
	m.problem(i, "%s (%d - %s): its predecessor, pid %d, has not ended yet: it would make no successor, and is not signalled", i, p.PID(), subject(i), old)
	m.Console.Hint("pid %d finishes what it does; reload-seamless --wait-drained waits for that", old)
	r.signals.of(i.Program).failed = true
}

// ask signals a server that nobody waits for.
func (r *reloading) ask(i *server.Instance, p *pidfile.Process) error {
	begun := time.Now()
	if err := r.m.send(i, p, p, i.Program.SeamlessSignal); err != nil {
		return err
	}
	r.asked = append(r.asked, i)
	switch {
	case !r.m.Options.Compat && r.m.halted(i, p.PID()):
		r.signals.of(i.Program).failed = true
	case i.Program.RetireSignal == 0 && !r.m.Options.DryRun: // a successor writes a pidfile of its own
		r.m.taken(i, p.PID(), begun)
	}
	return nil
}

// settle gives up the locks that are held, when their successors are there.
func (r *reloading) settle() {
	if len(r.held) > 0 {
		r.await()
	}
}

// await waits until those that were signalled are ready again.
func (r *reloading) await() {
	r.m.Console.Flush()
	r.settled = max(r.settled, r.m.awaitReexec(r.ctx, r.begun))
	unlock(r.held)
	r.begun, r.held = nil, nil
}

func unlock(instances []*server.Instance) {
	for _, i := range instances {
		i.Unlock()
	}
}

func (m *Manager) cannotReexec(i *server.Instance) {
	if name := i.Program.Name; !m.warned[name] {
		m.warned[name] = true
		m.warn(nil, "%s cannot re-execute itself: left alone", name)
	}
}

// awaitsReexec says whether anybody waits until servers are ready again.
func (m *Manager) awaitsReexec() bool {
	return !m.Options.NoWait && !m.Options.Compat && !m.Options.DryRun
}

// judgeReexec says whether r need not be waited for any more, and whether all
// went well. Without a tree it goes by what the server says.
func (m *Manager) judgeReexec(r *server.Reexec, tree *pidfile.Tree) (over, ok bool) {
	i, pid := r.Instance, r.Process.PID()
	limit := i.Program.ReadyWait
	r.Hear()
	switch {
	case r.Fails():
		m.problem(i, "%s (%d) died when it was to re-execute itself (%s)", i, pid, subject(i))
		m.result(i).After, m.result(i).PIDAfter = pidfile.Dead.String(), 0
		m.Console.Hint("its log may say why; restart starts it, and ends what it left behind")
		return true, false
	case r.Refused != "":
		m.problem(i, "%s (%d - %s) has not re-executed itself, and goes on as before: %s", i, pid, subject(i), r.Refused)
		return true, false
	case r.Told():
		return true, m.reexecuted(r)
	case !r.Visible() && time.Since(r.Begun) >= i.Program.StartWait:
		return true, m.livesOn(r)
	case !r.Visible(), tree == nil:
		return false, false
	case r.Seen(tree):
		return true, m.reexecuted(r)
	case limit > 0 && time.Since(r.Begun) > limit && r.Successor != 0:
		m.problem(i, "%s (%s): after %s s its successor, %d, has no worker; the old one, %d, was left as it is", i, subject(i), seconds(limit), r.Successor, pid)
		m.result(i).PIDAfter = r.Successor
		return true, false
	case limit > 0 && time.Since(r.Begun) > limit:
		if !m.halted(i, pid) {
			m.problem(i, "%s (%d - %s) has not re-executed itself, or is not ready, after %s s", i, pid, subject(i), seconds(limit))
			m.unheard(len(r.Unheard()) > 0)
		}
		return true, false
	}
	return false, false
}

// livesOn takes a server that cannot be seen for re-executed, unless it is stopped.
func (m *Manager) livesOn(r *server.Reexec) bool {
	i, pid := r.Instance, r.Process.PID()
	if m.halted(i, pid) {
		return false
	}
	m.note("%s (%d): not permitted to see whether it has re-executed itself: it was told to, and lives on", i, pid)
	m.taken(i, pid, r.Begun)
	return true
}

// reexecuted notes that a server is ready again, and says whether all went well.
func (m *Manager) reexecuted(r *server.Reexec) bool {
	m.result(r.Instance).Seconds = time.Since(m.begun).Seconds()
	if r.Successor != 0 {
		return m.retire(r)
	}
	m.taken(r.Instance, r.Process.PID(), r.Begun)
	m.note("%s (%d): re-executed", r.Instance, r.Process.PID())
	return true
}

// unheard says why a server may not have been heard, if that is so.
func (m *Manager) unheard(is bool) {
	if is {
		m.Console.Hint("it may have said so: somebody sends files to its notify socket, and closing them does not come to an end")
	}
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
