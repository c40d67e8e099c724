package manager

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// stop ends the servers: all are signalled at once and waited for at once.
func (m *Manager) stop(ctx context.Context, servers []*server.Server) int {
	s := m.stopAll(ctx, servers)
	if m.Options.Compat {
		return s.compat()
	}
	return s.status()
}

// shutdown is stop with the graceful signal.
func (m *Manager) shutdown(ctx context.Context, servers []*server.Server) int {
	m.Options.Graceful = true
	return m.stop(ctx, servers)
}

// kill is stop that never complains that nothing ran.
func (m *Manager) kill(ctx context.Context, servers []*server.Server) int {
	s := m.stopAll(ctx, servers)
	if m.Options.Compat {
		return m.compatKill(s, servers)
	}
	return s.status()
}

// A stopping is one round of stopping.
type stopping struct {
	m        *Manager
	targets  []*target // the running instances that were signalled
	failed   bool      // something is not stopped, or cannot be told to be
	begun    map[*server.Instance]bool
	wait     *waiting
	under    []*target                             // of the targets, those not settled yet
	ran      map[*aliases.Program]bool             // something of it runs, or ran
	families bool                                  // of this tier: a stop of some may kill, or signals groups
	tree     *pidfile.Tree                         // before the signals, where families matter
	remains  server.Remains                        // of dead servers, as of this batch
	open     int                                   // handles on those of under, and on their families
	ports    bool                                  // a start will follow: take down what the servers listen at
	held     []*server.Instance                    // those that another mgr has kept locked
	missing  []*server.Instance                    // those that were found not to run
	loose    []*server.Instance                    // of those, the ones that run without a pidfile
	beside   map[*server.Instance]server.Untracked // servers that ran without a pidfile before the signals, at -v
}

// perRound is how many servers are signalled before those that have ended by then
// are dealt with: what is locked at a time is little if they end at once, and each
// lock of a file makes the next one slower (posix_lock_inode of Linux).
const perRound = 256

// stopAll ends every instance of servers, tier after tier: the next one once the
// one that was started after it is gone.
func (m *Manager) stopAll(ctx context.Context, servers []*server.Server) *stopping {
	s := &stopping{m: m, begun: map[*server.Instance]bool{}, ran: map[*aliases.Program]bool{}}
	s.all(ctx, servers)
	return s
}

func (s *stopping) all(ctx context.Context, servers []*server.Server) {
	m := s.m
	var err error
	if s.wait, err = s.newWaiting(ctx); err != nil {
		m.problem(nil, "%v", err)
		s.failed = true
		return
	}
	defer s.wait.w.Close()
	s.lookBeside(servers)
	tiers := m.tiers(servers)
	for n, t := range slices.Backward(tiers) {
		s.tier(ctx, instances(t.servers))
		if ctx.Err() != nil {
			break
		}
		if s.failed {
			m.notBegun(tiers[:n], "what has to be gone before is not")
			break
		}
	}
	s.sayLoose(ctx)
	s.sayBeside(ctx, servers)
	s.sayNone(servers)
	if ctx.Err() != nil {
		s.interrupted(instances(servers))
	}
}

// sayNone names the programs of which nothing ran.
func (s *stopping) sayNone(servers []*server.Server) {
	m := s.m
	for _, srv := range servers {
		if s.ran[srv.Program] || s.untouched(srv) || !m.Options.Compat && !srv.Named && len(srv.Instances) == 0 {
			continue
		}
		if m.Options.Number != 0 && len(srv.Instances) == 0 {
			m.noConf(srv, &m.warnings)
			if !m.Options.Compat {
				continue
			}
		}
		m.Console.Say("No %s running", srv.Program.Name)
	}
}

// untouched says whether some instance could not be looked at, so that nothing
// can be said of the program.
func (s *stopping) untouched(srv *server.Server) bool {
	return slices.ContainsFunc(srv.Instances, func(i *server.Instance) bool { return !s.begun[i] })
}

// tier stops instances, in batches: each is dealt with while the next one is being
// signalled, unless what belongs to whom has to be looked at before the first
// signal.
func (s *stopping) tier(ctx context.Context, all []*server.Instance) {
	s.families = s.familiesMatter(all)
	b := batching{
		size:   min(perRound, handles()/2),
		act:    func(batch []*server.Instance) { s.batch(ctx, batch) },
		settle: func() { s.settle(ctx) },
		gaveUp: func(i *server.Instance) { s.held = append(s.held, i) },
	}
	if s.families {
		b.size = handles() / 2
	}
	if !s.m.each(ctx, all, b) {
		s.failed = true
	}
	s.settle(ctx)
}

// familiesMatter says whether a stop of some of the instances may kill, or signals
// groups.
func (s *stopping) familiesMatter(all []*server.Instance) bool {
	return slices.ContainsFunc(all, func(i *server.Instance) bool { return i.Program.StopGroup || s.m.mayKill(i.Program) })
}

// batch signals instances whose locks are held, and deals with what ends
// meanwhile.
func (s *stopping) batch(ctx context.Context, batch []*server.Instance) {
	s.wait.until(ctx, max(handles()-len(batch), 0))
	s.look()
	done, room := 0, handles()
	for i, f := range server.Handles(batch) {
		s.makeRoom(ctx, f, room)
		if ctx.Err() != nil {
			f.Process.Close()
			break
		}
		done++
		s.begun[i] = true
		found := s.signal(i, f)
		s.under = append(s.under, found...)
		s.wait.add(found)
		if len(found) == 0 {
			i.Unlock()
		}
	}
	unlock(batch[done:])
	s.m.Console.Flush()
	if s.families {
		s.settle(ctx)
		return
	}
	s.wait.reap()
}

// settle waits for what was signalled, and gives up each lock when its instance is
// dealt with.
func (s *stopping) settle(ctx context.Context) {
	signalled := s.under
	s.under, s.open = nil, 0
	if s.m.Options.DryRun {
		s.wouldWait(signalled)
	}
	members := s.outlast(ctx, signalled)
	copies := s.copies(ctx, signalled)
	s.wait.add(copies)
	signalled = slices.Concat(signalled, members, copies, s.outlast(ctx, copies))
	former := s.takenOver(signalled)
	s.wait.add(former)
	signalled = slices.Concat(signalled, former, s.outlast(ctx, former))
	s.targets = append(s.targets, signalled...)
	for _, t := range signalled {
		t.process.Close()
		if !t.gone {
			s.failed = true
		}
		if !t.gone || t.keepsLock() { // or ended has done it
			t.i.Unlock()
		}
	}
}

// outlast waits until what was signalled has ended, and then what is left of its
// families, which it gives.
func (s *stopping) outlast(ctx context.Context, signalled []*target) []*target {
	s.wait.until(ctx, 0)
	members := outliving(signalled)
	s.wait.add(members)
	s.wait.until(ctx, 0)
	return members
}

// takenOver looks which servers that have gone run on as another process: one that
// writes its own pidfile may have had a successor, or been one. It stops predecessors,
// which it gives, and tells of others: somebody may have started them meanwhile.
func (s *stopping) takenOver(stopped []*target) []*target {
	var former []*target
	for _, t := range stopped {
		if !t.gone || t.member || s.m.Options.DryRun || !t.i.Program.OwnPidfile() {
			continue
		}
		f := t.i.Inspect()
		if f.State == pidfile.Running && f.Record.PID == t.predecessor {
			former = append(former, s.send(t.i, f.Record.PID, []*pidfile.Process{f.Process})...)
			continue
		}
		f.Process.Close()
		if f.State == pidfile.Running {
			s.m.problem(t.i, "%s (%d - %s) runs in the place of the one that was stopped: stop it again", t.i, f.Record.PID, subject(t.i))
			s.failed = true
		}
	}
	return former
}

// signal sends an instance, which was found as f says, the stop signal. It gives
// what is to be waited for.
func (s *stopping) signal(i *server.Instance, f pidfile.Finding) []*target {
	r := s.m.found(i, f)
	if f.State != pidfile.Running {
		if absent(f) && s.m.untouchedSoFar(i) {
			s.missing = append(s.missing, i)
		}
		return s.leftover(i, f)
	}
	r.Signal = signalName(s.m.stopSignal(i.Program))
	before := 0
	if i.Program.RetireSignal != 0 && !s.m.Options.DryRun {
		before = i.Predecessor(f.Process)
	}
	out := s.send(i, f.Record.PID, []*pidfile.Process{f.Process})
	for _, t := range out {
		t.predecessor = before
	}
	return out
}

// send sends processes of i, whose pidfile names pid, the stop signal.
func (s *stopping) send(i *server.Instance, pid int, processes []*pidfile.Process) []*target {
	m, sig := s.m, s.m.stopSignal(i.Program)
	s.ran[i.Program] = true
	var out []*target
	for _, p := range processes {
		t := s.target(i, pid, p)
		err := s.sendStep(t, sig)
		if err == nil || errors.Is(err, pidfile.ErrGone) {
			out = append(out, t)
			m.meet(i, true)
			m.result(i).began("stop")
			if m.Options.DryRun {
				s.wouldEnd(t)
			}
			continue
		}
		s.refused(i, p.PID(), err)
		t.close()
	}
	return out
}

// refused says why a process could not be signalled.
func (s *stopping) refused(i *server.Instance, pid int, err error) {
	s.failed = true
	if !errors.Is(err, unix.EPERM) {
		s.m.problem(i, "%s: %v", i, err)
		return
	}
	s.m.Console.Say("No permission to signal PID %d", pid)
	s.m.problem(i, "%s (%d): not permitted to signal it: run mgr as root, or as the user that it runs as", i, pid)
}
