package manager

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
)

// A waiting is what a stop waits for: targets, each under its deadline. Those that
// end are dealt with while others are still being signalled, and what it costs does
// not grow with the number of those that are left.
type waiting struct {
	s     *stopping
	w     *pidfile.Waiter
	all   []*target // by their keys
	of    map[*server.Instance][]*target
	left  []*target // those worth waiting for, and some that have ended since
	ended int       // that have
	over  int       // of all
	next  time.Time // when to look at them though nothing happens; zero: unknown
}

func (s *stopping) newWaiting(ctx context.Context) (*waiting, error) {
	w, err := pidfile.NewWaiter(ctx)
	return &waiting{s: s, w: w, of: map[*server.Instance][]*target{}}, err
}

// add begins to wait for targets.
func (x *waiting) add(targets []*target) {
	for _, t := range targets {
		if t.gone {
			continue
		}
		if err := x.w.Add(t.process.FD(), len(x.all)); err != nil {
			x.s.m.problem(t.i, "%s (%d - %s) was signalled, and nobody waits for it: %v", t.i, t.process.PID(), subject(t.i), err)
			continue
		}
		x.all = append(x.all, t)
		x.of[t.i] = append(x.of[t.i], t)
		x.left = append(x.left, t)
		if at := t.wakeAt(); x.next.IsZero() || at.Before(x.next) {
			x.next = at
		}
	}
}

// reap deals with what has ended.
func (x *waiting) reap() {
	for n := 1; n > 0; {
		n, _ = x.step(time.Now()) // an error comes again where it matters, in until
	}
}

// until waits until no more than so many are left, escalating where that is asked
// for, or until ctx ends.
func (x *waiting) until(ctx context.Context, few int) {
	defer x.s.m.Console.waited()
	x.prune() // of what reap has dealt with, and nobody waits for
	for len(x.left) > few && ctx.Err() == nil {
		x.show()
		n, err := x.step(x.next)
		if err != nil {
			x.unwatched(err)
			return
		}
		if n == 0 && ctx.Err() == nil {
			nudge(x.left)
			x.left = x.s.overdue(alive(x.left))
		}
		if n == 0 || few > 0 || 2*x.ended >= len(x.left) {
			x.prune()
		}
	}
}

// prune leaves those that have not ended.
func (x *waiting) prune() {
	x.left, x.ended = alive(x.left), 0
	x.next = earliest(x.left)
}

// step waits until the deadline for some of the targets to end, and gives how many
// did.
func (x *waiting) step(deadline time.Time) (int, error) {
	keys, err := x.w.Wait(deadline)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		t := x.all[key]
		x.s.ended(t, x.of[t.i])
		t.process.Close() // and it is not watched any more
	}
	x.ended += len(keys)
	x.over += len(keys)
	if len(keys) > 0 {
		x.s.m.Console.Flush()
	}
	return len(keys), nil
}

// unwatched says of all that are left that nobody waits for them any more.
func (x *waiting) unwatched(err error) {
	for _, t := range alive(slices.Clone(x.left)) {
		x.s.m.problem(t.i, "%s (%d - %s) was signalled, and nobody waits for it any more: %v", t.i, t.process.PID(), subject(t.i), err)
	}
	x.left = nil
}

// ended notes that a target has ended. The pidfile goes with the last process
// of its instance.
func (s *stopping) ended(t *target, all []*target) {
	t.gone = true
	if t.member {
		return
	}
	s.m.Console.Say("%s (%d) appears to have stopped", t.i, t.process.PID())
	for _, other := range all {
		if other.i == t.i && !other.gone {
			return
		}
	}
	after, pid := pidfile.Stopped, 0
	if t.recorded != 0 && !t.takenBack() && !s.remove(t.i, t.recorded) {
		after, pid = pidfile.Dead, t.recorded
	}
	s.m.did(t.i, "stop", after, pid).recover()
	if !t.keepsLock() {
		t.i.Unlock()
	}
}

// show shows the first one that is waited for.
func (x *waiting) show() {
	c := x.s.m.Console
	if !c.live() {
		return
	}
	n := slices.IndexFunc(x.left, func(t *target) bool { return !t.gone })
	if n < 0 {
		return
	}
	t := x.left[n]
	doing, limit := "stopping", x.s.waited(t)
	if t.killed {
		doing, limit = "killing", killGrace
	}
	c.waiting(progress{Doing: doing, Done: x.over, Total: len(x.all), Who: whose(t.i, t.process.PID()),
		Since: t.deadline.Add(-limit), Limit: limit})
}

// whose names a process of an instance on the live line: object-server/4 (4503).
func whose(i *server.Instance, pid int) string { return i.Label() + " (" + itoa(pid) + ")" }

func alive(targets []*target) []*target {
	out := targets[:0]
	for _, t := range targets {
		if !t.gone {
			out = append(out, t)
		}
	}
	return out
}

func earliest(targets []*target) time.Time {
	var first time.Time
	for _, t := range targets {
		if at := t.wakeAt(); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// soon is how long most servers that end at once take at the most.
const soon = 20 * time.Millisecond

// wakeAt is when something has to be done about a target though it does not end.
func (t *target) wakeAt() time.Time {
	if !t.nudge.IsZero() && t.nudge.Before(t.deadline) {
		return t.nudge
	}
	return t.deadline
}

// nudge lets those go on that are stopped: they take no signal until they do.
func nudge(targets []*target) {
	now := time.Now()
	for _, t := range targets {
		if t.gone || t.nudge.IsZero() || t.nudge.After(now) {
			continue
		}
		t.nudge = time.Time{}
		if pidfile.StateOf(t.process.PID()) == "T" {
			_ = t.process.Signal(unix.SIGCONT)
		}
	}
}

// makeRoom waits for what was signalled if there is no room for handles on one more
// server, found as f says, and on its family, or on what it has left behind.
func (s *stopping) makeRoom(ctx context.Context, f pidfile.Finding, room int) {
	wanted := s.wants(f)
	if wanted == 0 {
		return
	}
	if held := max(s.open, len(s.wait.left)-s.wait.ended); held > 0 && held+wanted > room {
		s.settle(ctx)
		s.look()
		wanted = s.wants(f)
	}
	s.open += wanted
}

// wants is how many handles it takes to stop what was found as f says, where that may be
// many.
func (s *stopping) wants(f pidfile.Finding) int {
	switch {
	case s.m.Options.DryRun:
	case f.State == pidfile.Running && s.tree != nil:
		return 1 + s.tree.FamilySize(f.Process)
	case f.State == pidfile.Dead && !s.m.Options.Compat:
		return s.remains.Most(f.Record)
	}
	return 0
}

// handles is how many processes may be held open at once: descriptors, less what else
// takes some.
func handles() int { return handlesOf(openFiles()) }

// handlesOf is how many of so many descriptors that is, at least two: all but 64, or, if
// there are few, but half and the six that mgr has beside those of each thing it does.
func handlesOf(limit uint64) int {
	others := min(64, limit/2+6, limit)
	return int(min(max(limit-others, 2), 1<<20))
}

// openFiles is how many descriptors mgr may have.
func openFiles() uint64 {
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		return perRound
	}
	return lim.Cur
}
