package manager

import (
	"context"
	"maps"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// start starts every instance that does not run and waits until it is ready.
func (m *Manager) start(ctx context.Context, servers []*server.Server) int {
	if status := m.preflight(servers); status != OK {
		return status
	}
	return m.startAll(ctx, servers, nil)
}

func (m *Manager) noWait(ctx context.Context, servers []*server.Server) int {
	m.Options.NoWait = true
	return m.start(ctx, servers)
}

func (m *Manager) noDaemon(ctx context.Context, servers []*server.Server) int {
	m.Options.Foreground = true
	return m.start(ctx, servers)
}

func (m *Manager) once(ctx context.Context, servers []*server.Server) int {
	m.Options.Once = true
	return m.start(ctx, servers)
}

// A starting is one start of some servers.
type starting struct {
	m         *Manager
	launches  *server.Launches          // of the round that is under way
	skip      map[*server.Instance]bool // not to be started
	begun     map[*server.Instance]bool
	met       map[*server.Instance]bool           // the Manager's, as this start found it
	already   map[*aliases.Program]bool           // some instance of it runs
	tries     map[*server.Instance]int            // starts that ended in a death
	stopped   map[*server.Instance]bool           // by somebody else, while they started
	left      map[*server.Instance]pidfile.Record // dead servers whose workers still run
	remains   server.Remains                      // of dead servers, as of this batch
	loose     map[*server.Instance][]int          // servers, by pid, that run without a pidfile
	postponed []*server.Instance                  // until others are not under way any more
	again     []*server.Instance                  // to be tried again
	marks     map[*server.Instance]int            // of those: what their pidfiles hold meanwhile, see mark
	early     map[*server.Child]bool              // those that ended before their pidfiles were there
	stages    map[*server.Child]bool              // that were not executed in time, and keep their locks
	launched  []*server.Instance                  // by a dry run
	due       time.Time                           // when
	failed    bool
	refused   int // compat: programs that swift-init would not have started
}

// startAll starts the instances of servers but those in skip, tier after tier:
// the next one begins once the one before is ready.
func (m *Manager) startAll(ctx context.Context, servers []*server.Server, skip map[*server.Instance]bool) int {
	s := &starting{
		m: m, skip: skip, met: maps.Clone(m.met),
		begun: map[*server.Instance]bool{}, already: map[*aliases.Program]bool{}, tries: map[*server.Instance]int{}, stopped: map[*server.Instance]bool{},
		left: map[*server.Instance]pidfile.Record{}, loose: map[*server.Instance][]int{}, marks: map[*server.Instance]int{}, early: map[*server.Child]bool{}, stages: map[*server.Child]bool{},
	}
	if err := m.openRunDir(); err != nil {
		m.problem(nil, "%v: nothing started", err)
		return Failed
	}
	todo := s.toStart(servers)
	tiers := m.tiers(servers)
	for n, t := range tiers {
		s.tier(ctx, t.servers, among(todo, t.servers))
		if ctx.Err() != nil {
			break
		}
		if s.failed {
			m.notBegun(tiers[n+1:], "what has to be there before is not")
			break
		}
	}
	if ctx.Err() != nil {
		s.interrupted(todo)
	}
	if m.Options.Compat && m.Options.Foreground && ctx.Err() != nil {
		return OK // swift-init's, when the user quits
	}
	if s.failed || m.Options.Compat && s.refused > 0 && m.strict(servers) {
		return Failed
	}
	return OK
}

// among gives the instances that belong to servers.
func among(all []*server.Instance, servers []*server.Server) []*server.Instance {
	of := map[*aliases.Program]bool{}
	for _, s := range servers {
		of[s.Program] = true
	}
	var out []*server.Instance
	for _, i := range all {
		if of[i.Program] {
			out = append(out, i)
		}
	}
	return out
}

// perLaunch is how many descriptors a server takes that is under way: its handle,
// the pipes for its stage's report and its output, and what shows that it is ready.
const perLaunch = 5

// tier starts instances, and again those that died, as often as their programs
// have it.
func (s *starting) tier(ctx context.Context, servers []*server.Server, todo []*server.Instance) {
	defer s.abandon(ctx, todo)
	s.waves(ctx, servers, todo)
	s.retry(ctx)
}

// waves starts instances in rounds. Where there are more than descriptors for them,
// those that are under way are waited for before the next ones.
func (s *starting) waves(ctx context.Context, servers []*server.Server, todo []*server.Instance) {
	wave := max(handles()/perLaunch, 1)
	for len(todo) > wave && !s.m.Options.Foreground && ctx.Err() == nil {
		s.round(ctx, nil, todo[:wave])
		todo = todo[wave:]
	}
	if ctx.Err() == nil {
		s.round(ctx, servers, todo)
	}
	for len(s.postponed) > 0 && ctx.Err() == nil {
		todo, s.postponed = s.postponed, nil
		s.round(ctx, nil, todo)
	}
}

// round starts instances at once and waits for them at once.
func (s *starting) round(ctx context.Context, servers []*server.Server, todo []*server.Instance) {
	m := s.m
	launches, err := server.NewLaunches(ctx)
	if err != nil {
		m.problem(nil, "%v", err)
		s.failed = true
		return
	}
	defer launches.Close()
	s.launches = launches
	todo = s.free(ctx, todo)
	if !m.eachBatch(ctx, todo, "not started", func(batch []*server.Instance) { s.batch(ctx, batch) }) {
		s.failed = true
	}
	for _, srv := range servers {
		if s.already[srv.Program] {
			m.Console.Say("%s already started...", srv.Program.Name)
		}
	}
	s.await(ctx)
	m.Fleet.Outdated()
}

// interrupted says where a start stands that the user broke off.
func (s *starting) interrupted(todo []*server.Instance) {
	for _, i := range todo {
		_, met := s.m.met[i]
		stopped, before := s.met[i]
		switch {
		case s.begun[i], met && !before:
		case stopped:
			s.m.problem(i, "interrupted: %s (%s) was stopped, and not started again", i, subject(i))
		default:
			s.m.problem(i, "interrupted: %s (%s) was not begun", i, subject(i))
		}
	}
	s.failed = true
}

// openRunDir makes the run directory, as swift-init does. A dry run makes none.
func (m *Manager) openRunDir() error {
	if m.Options.DryRun {
		return m.mayMakeRunDir()
	}
	return m.Fleet.Open(pidfile.MakeIt)
}
