package manager

import (
	"context"
	"slices"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// The pauses between two looks at the sockets that listen: the kernel has no
// event for the end of one.
const (
	firstPort = 2 * time.Millisecond
	lastPort  = 100 * time.Millisecond
)

// A port is what has to be given back before an instance can be started.
type port struct {
	i       *server.Instance
	numbers []uint16
	taken   func(pidfile.Socket) bool
	limit   time.Time
	holder  pidfile.Socket // when last seen
	told    bool
}

// givenBack waits until the sockets of the servers that were stopped do not
// listen any more: workers that finish what they do may hold them. It gives the
// instances that nothing can be started in the place of, having said so.
func (m *Manager) givenBack(ctx context.Context, stopped []*target) map[*server.Instance]bool {
	var ports []*port
	for _, t := range stopped {
		if !t.gone || len(t.sockets) == 0 {
			continue
		}
		p := &port{i: t.i, taken: func(s pidfile.Socket) bool { return slices.Contains(t.sockets, s) }, limit: m.portLimit(t.i)}
		for _, s := range t.sockets {
			p.numbers = append(p.numbers, s.Address.Port())
		}
		ports = append(ports, p)
	}
	return m.awaitPorts(ctx, ports)
}

// free waits until nobody listens where the instances that do not run are to
// listen, as far as their readiness tells. It gives those that can be started.
func (s *starting) free(ctx context.Context, todo []*server.Instance) []*server.Instance {
	m := s.m
	if m.Options.Compat {
		return todo
	}
	var ports []*port
	for _, i := range todo {
		address, ok := i.Address()
		if !ok || m.foretold(i) { // by then it has been given back
			continue
		}
		ports = append(ports, &port{i: i, numbers: []uint16{address.Port()}, limit: m.portLimit(i),
			taken: func(s pidfile.Socket) bool { return s.Covers(address) }})
	}
	taken := m.awaitPorts(ctx, ports)
	if len(taken) == 0 {
		return todo
	}
	s.failed = true
	var out []*server.Instance
	for _, i := range todo {
		if !taken[i] {
			out = append(out, i)
		}
	}
	return out
}

// forever is as long as it takes. A date, which is what AddDate gives, would come sooner
// if somebody sets the clock.
const forever = 365 * 24 * time.Hour

func (m *Manager) portLimit(i *server.Instance) time.Time {
	if i.Program.ReadyWait == 0 {
		return time.Now().Add(forever)
	}
	return time.Now().Add(i.Program.ReadyWait)
}

// awaitPorts waits until all ports are free, side by side, or their time is up:
// then it names the holders, and gives the instances.
func (m *Manager) awaitPorts(ctx context.Context, ports []*port) map[*server.Instance]bool {
	taken := map[*server.Instance]bool{}
	defer m.Console.waited()
	for pause := firstPort; len(ports) > 0; pause = min(pause*3/2, lastPort) {
		ports = stillTaken(ports, pidfile.AllListening())
		own := m.owners(ports)
		var left []*port
		for _, p := range ports {
			switch {
			case own[p.i]:
				continue
			case !p.told && m.leftBehind(p):
				taken[p.i] = true
				continue
			case m.Options.DryRun:
				m.would("wait for %s, held by %s, to start %s (%s)", p.holder.Address, p.holder.Holder(&m.Fleet.Reader), p.i, subject(p.i))
				continue
			case ctx.Err() == nil && time.Now().Before(p.limit):
				m.tellPort(p)
				left = append(left, p)
				continue
			}
			taken[p.i] = true
			m.problem(p.i, "%s (%s): not started: %s is held by %s", p.i, subject(p.i), p.holder.Address, p.holder.Holder(&m.Fleet.Reader))
		}
		if ports = left; len(ports) == 0 {
			return taken
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		m.Fleet.Outdated()
	}
	return taken
}

func stillTaken(ports []*port, sockets []pidfile.Socket) []*port {
	byPort := map[uint16][]pidfile.Socket{}
	for _, s := range sockets {
		byPort[s.Address.Port()] = append(byPort[s.Address.Port()], s)
	}
	var out []*port
	for _, p := range ports {
		if p.takenBy(byPort) {
			out = append(out, p)
		}
	}
	return out
}

func (p *port) takenBy(byPort map[uint16][]pidfile.Socket) bool {
	for _, n := range p.numbers {
		for _, s := range byPort[n] {
			if p.taken(s) {
				p.holder = s
				return true
			}
		}
	}
	return false
}

// tellPort says once what is waited for.
func (m *Manager) tellPort(p *port) {
	if p.told {
		return
	}
	p.told = true
	m.Console.Say("%s (%s): waiting for %s, held by %s", p.i, subject(p.i), p.holder.Address, p.holder.Holder(&m.Fleet.Reader))
	m.Console.Flush()
	m.Console.waiting(progress{Doing: "waiting for " + p.holder.Address.String(), Who: p.i.Label(), Since: time.Now(), Limit: p.i.Program.ReadyWait})
}

// runs says whether the instance runs: then it holds its own port.
func (p *port) runs() bool {
	f := p.i.Inspect()
	f.Process.Close()
	return f.State == pidfile.Running
}

// owners gives those instances that hold their own ports, of which nothing was said yet:
// that run, or, without a pidfile, seem to. Of those the start will say why it starts no
// other.
func (m *Manager) owners(ports []*port) map[*server.Instance]bool {
	own := map[*server.Instance]bool{}
	var loose []*server.Instance
	for _, p := range ports {
		switch {
		case p.told:
		case p.runs():
			own[p.i] = true
		case m.untouchedSoFar(p.i) && m.holdsOwn(p):
			loose = append(loose, p.i)
		}
	}
	for i := range m.seeUntracked(loose, nil) { // all in one, since it looks through all processes
		own[i] = true
	}
	return own
}

// holdsOwn says whether what holds the port, or the parent of that, looks like the
// instance's server.
func (m *Manager) holdsOwn(p *port) bool {
	pid := m.socketHolder(p.holder)
	parent, err := pidfile.Parent(pid)
	return p.i.Serves(pid) || err == nil && p.i.Serves(parent)
}

// leftBehind says whether a worker of the dead server holds the port, having said
// so: it does not finish anything, and waiting for it is of no use.
func (m *Manager) leftBehind(p *port) bool {
	f := p.i.Inspect()
	f.Process.Close()
	if f.State != pidfile.Dead {
		return false
	}
	workers, _ := p.i.Left(f.Record) // those that can be told
	holds := false
	for _, w := range workers {
		holds = holds || slices.ContainsFunc(w.Listening(), func(s pidfile.Socket) bool { return s.Inode == p.holder.Inode })
		w.Close()
	}
	if holds {
		m.problem(p.i, "%s (%s): not started: %s is held by %s, which the dead pid %d has left behind",
			p.i, subject(p.i), p.holder.Address, p.holder.Holder(&m.Fleet.Reader), f.Record.PID)
		m.Console.Hint("stop, or restart, ends it")
	}
	return holds
}
