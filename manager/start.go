package manager

import (
	"cmp"
	"context"
	"fmt"
	"strings"
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
	m        *Manager
	launches *server.Launches          // of the round that is under way
	skip     map[*server.Instance]bool // not to be started
	begun    map[*server.Instance]bool
	already  map[*aliases.Program]bool  // some instance of it runs
	tries    map[*server.Instance]int   // starts that ended in a death
	stopped  map[*server.Instance]bool  // by somebody else, while they started
	left     map[*server.Instance]int   // dead servers, by pid, whose workers still run
	loose    map[*server.Instance][]int // servers, by pid, that run without a pidfile
	again    []*server.Instance         // to be tried again
	marks    map[*server.Instance]int   // of those: what their pidfiles hold meanwhile, see mark
	launched []*server.Instance         // by a dry run
	due      time.Time                  // when
	failed   bool
	refused  int // compat: programs that swift-init would not have started
}

// startAll starts the instances of servers but those in skip, tier after tier:
// the next one begins once the one before is ready.
func (m *Manager) startAll(ctx context.Context, servers []*server.Server, skip map[*server.Instance]bool) int {
	s := &starting{m: m, skip: skip, begun: map[*server.Instance]bool{}, already: map[*aliases.Program]bool{}, tries: map[*server.Instance]int{}, stopped: map[*server.Instance]bool{}, left: map[*server.Instance]int{}, loose: map[*server.Instance][]int{}, marks: map[*server.Instance]int{}}
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
// have it. Where there are more than descriptors for them, they are started in
// waves: those that are under way are waited for before the next ones.
func (s *starting) tier(ctx context.Context, servers []*server.Server, todo []*server.Instance) {
	defer s.abandon(ctx, todo)
	wave := max(handles()/perLaunch, 1)
	for len(todo) > wave && !s.m.Options.Foreground && ctx.Err() == nil {
		s.round(ctx, nil, todo[:wave])
		todo = todo[wave:]
	}
	if ctx.Err() != nil {
		return
	}
	s.round(ctx, servers, todo)
	s.retry(ctx)
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
}

// openRunDir makes the run directory, as swift-init does. A dry run makes none.
func (m *Manager) openRunDir() error {
	if m.Options.DryRun {
		return m.mayMakeRunDir()
	}
	return m.Fleet.Open(pidfile.MakeIt)
}

// batch launches instances whose locks are held, and gives up each lock when
// its server is under way or has failed.
func (s *starting) batch(ctx context.Context, batch []*server.Instance) {
	var launched []*server.Child
	var err error
	found := s.inspect(batch)
	for _, i := range batch {
		if c := s.launch(i, found[i]); c != nil {
			if launched = append(launched, c); len(launched)%perCatch == 0 {
				err = cmp.Or(err, s.launches.Catch())
			}
		} else {
			i.Unlock()
		}
		if ctx.Err() != nil {
			break
		}
	}
	if s.m.Options.DryRun {
		return
	}
	s.m.Console.Flush()
	mine := map[*server.Child]bool{}
	for _, c := range launched {
		mine[c] = true
	}
	over := func(c *server.Child) bool {
		return c.Executed && c.Tracked() || c.Exited || c.Failure != "" || !mine[c]
	}
	left, failed := s.launches.Until(over, s.untracked, func(c *server.Child) {
		if mine[c] {
			s.executed(c)
			c.Instance.Unlock()
		}
	})
	for _, c := range left {
		// A stage that goes on without us has its lock from us: it must keep it
		// until it has become the server.
		if c.Executed {
			c.Instance.Unlock()
		}
	}
	if err = cmp.Or(err, failed); err != nil {
		s.m.problem(nil, "%v", err)
		s.failed = true
	}
}

// perCatch is after how many launches it is seen what became of those before.
const perCatch = 16

// untracked is how long the lock is held for a server that writes its pidfile
// itself: until then nobody else could tell that it is being started.
func (s *starting) untracked(c *server.Child) time.Duration {
	if c.Tracked() {
		return 0
	}
	return c.Instance.Program.ReadyWait
}

func noLimit(*server.Child) time.Duration { return 0 }

// launch starts one instance, which was found as f says, unless it runs; nil if
// there is nothing to wait for.
func (s *starting) launch(i *server.Instance, f pidfile.Finding) *server.Child {
	m := s.m
	s.begun[i] = true
	m.found(i, f)
	f, goOn := s.resume(i, m.foreseen(i, f))
	if !goOn {
		return nil
	}
	if pids := s.loose[i]; len(pids) > 0 {
		s.failed = true
		m.problem(i, "%s (%s): not started: %s this server already, without a pidfile", i, subject(i), runPIDs(pids))
		m.adoptHint(i, pids)
		return nil
	}
	switch f.State {
	case pidfile.Running:
		m.Console.Say("%s running (%d - %s)", i, f.Record.PID, subject(i))
		s.already[i.Program] = true
		return nil
	case pidfile.Stopped, pidfile.Dead, pidfile.Foreign, pidfile.Malformed:
		if err := s.clear(i, f); err != nil {
			m.problem(i, "%s: %v: not started", i, err)
			s.failed = true
			return nil
		}
	default:
		m.problem(i, "%s: cannot tell whether it runs, not started: %v", i, f.Err)
		s.failed = true
		return nil
	}
	mode := s.mode(i.Program)
	if m.Options.DryRun {
		s.wouldLaunch(i, mode)
		return nil
	}
	return s.execute(i, mode)
}

// execute launches one instance, in whose way nothing is; nil if that fails.
func (s *starting) execute(i *server.Instance, mode server.Mode) *server.Child {
	m, doing := s.m, "Starting %s...(%s)"
	if mode.Once {
		doing = "Running %s once...(%s)"
	}
	m.Console.Say(doing, i, subject(i))
	m.result(i).PIDAfter = 0
	c, err := i.Launch(mode)
	if err == nil {
		if err = s.launches.Add(c); err != nil { // nobody would see what becomes of it
			c.Kill()
			c.Process.Await(time.Now().Add(killGrace))
			_ = i.Remove(c.Process.PID())
			c.Process.Close()
		}
	}
	if err != nil {
		m.problem(i, "%s (%s): not started: %v", i, subject(i), err)
		s.failed = true
		s.restore(i)
		return nil
	}
	if c.Elsewhere != nil {
		m.note("%s (%d): %v; it says that it is ready at another name", i, c.Process.PID(), c.Elsewhere)
	}
	m.did(i, "start", pidfile.Running, c.Process.PID())
	return c
}

// clear makes way for the pidfile of a new server.
func (s *starting) clear(i *server.Instance, f pidfile.Finding) error {
	m := s.m
	switch f.State {
	case pidfile.Stopped:
		return nil
	case pidfile.Dead:
		m.noteStale(i)
		if !m.foretold(i) { // or it still runs, and has workers
			s.mentionLeft(i, f.Record)
		}
	case pidfile.Foreign:
		if i.Stray(f) {
			return fmt.Errorf("%w, and no other pidfile names it: pidfile %q kept", f.Err, i.Pidfile)
		}
		m.warn(i, "%s: %s: %s pidfile %q", i, holder(f), m.tense("replacing", "would replace"), i.Pidfile)
	case pidfile.Malformed:
		if err := m.unnamed(i, f); err != nil {
			return err
		}
		return m.removeJunk(i, f)
	}
	return m.removePidfile(i, f.Record.PID)
}

// mentionLeft tells of workers that the server before left behind: those of a
// graceful stop finish what they do, those of a crash may hold the port.
func (s *starting) mentionLeft(i *server.Instance, rec pidfile.Record) {
	pid := rec.PID
	left, err := i.Left(rec)
	if err != nil || len(left) == 0 {
		return
	}
	var pids []string
	for _, p := range left {
		pids = append(pids, itoa(p.PID()))
		p.Close()
	}
	s.m.warn(i, "%s (%s): workers of the dead pid %d still run: %s", i, subject(i), pid, strings.Join(pids, " "))
	s.m.Console.Hint("if they hold its port it cannot start: stop, or restart, ends them")
	if !s.m.Options.DryRun && !s.m.Options.Compat {
		s.left[i] = pid
	}
}

// restore puts back the pidfile of a dead server whose workers still run, if no
// new server has come of the start: nothing else leads to them.
func (s *starting) restore(i *server.Instance) {
	pid := s.left[i]
	if pid == 0 {
		return
	}
	if err := i.Restore(pid); err != nil {
		s.m.warn(i, "%s: %v", i, err)
		return
	}
	s.m.did(i, "start", pidfile.Dead, pid)
}

// mode says how a program is to be launched.
func (s *starting) mode(p *aliases.Program) server.Mode {
	o := s.m.Options
	once := o.Once && p.OnceArgs != nil
	if o.Once && !once && !s.m.warned["once "+p.Name] {
		s.m.warned["once "+p.Name] = true
		if !o.Compat {
			s.m.warn(nil, "%s cannot run one pass: started as usual", p.Name)
		}
	}
	return server.Mode{
		Once: once, Foreground: o.Foreground, NoWait: o.NoWait && !o.Foreground,
		ExactLimits: o.Compat, Stderr: o.JSON,
	}
}

// executed notes that the stage has become the server, or says why not.
func (s *starting) executed(c *server.Child) {
	m, i := s.m, c.Instance
	for _, w := range c.Limits {
		m.limitWarning(w)
	}
	if c.Failure == "" {
		return
	}
	m.problem(i, "%s (%s): not started: %s", i, subject(i), c.Failure)
	s.failed = true
	s.forget(c)
	m.result(i).undone("start")
}

// limitWarning says once that a limit could not be set.
func (m *Manager) limitWarning(w server.LimitWarning) {
	if m.warned[w.Key] {
		return
	}
	m.warned[w.Key] = true
	if !m.Options.Compat {
		m.warn(nil, "%s: cannot be %d, the hard limit is %d: %s; the servers run with %d", w.Key, w.Want, w.Max, w.Err, w.Max)
		return
	}
	what, ok := map[string]string{
		"limit_nofile": "file descriptor limit",
		"limit_data":   "memory limit",
		"limit_nproc":  "max process limit",
	}[w.Key]
	if !ok {
		what = w.Key
	}
	m.Console.Say("WARNING: Unable to modify %s.  Running as non-root?", what)
}

// forget removes the pidfile of a server that has ended. The lock is held.
func (s *starting) forget(c *server.Child) {
	if c.Tracked() {
		if err := c.Instance.Remove(c.Process.PID()); err != nil {
			s.m.warn(c.Instance, "%s: %v", c.Instance, err)
		}
	}
	s.m.did(c.Instance, "start", pidfile.Stopped, 0)
	s.restore(c.Instance)
}

// interrupted says where a start stands that the user broke off.
func (s *starting) interrupted(todo []*server.Instance) {
	for _, i := range todo {
		if _, met := s.m.met[i]; !s.begun[i] && !met {
			s.m.problem(i, "interrupted: %s (%s) was not begun", i, subject(i))
		}
	}
	s.failed = true
}
