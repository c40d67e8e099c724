package manager

import (
	"context"
	"errors"
	"strings"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// await waits for the servers that were launched: until they are ready, until
// they end, or not at all.
func (s *starting) await(ctx context.Context) {
	o := s.m.Options
	if o.DryRun {
		s.wouldAwait()
		return
	}
	if len(s.launches.Children) == 0 {
		return
	}
	if o.Foreground {
		s.untilEnd(ctx)
		return
	}
	doing := "starting"
	if o.Once {
		doing = "running"
	}
	defer s.m.Console.waited()
	shown := s.m.following(doing, s.launches.Children)
	left, err := s.launches.Until(s.done, s.readyWait, func(c *server.Child) {
		c.StopListening()
		s.through(c)
		s.settled(c)
		shown(c)
	})
	if err != nil {
		s.m.problem(nil, "%v", err)
		s.failed = true
	}
	for _, c := range left {
		s.through(c)
		s.late(ctx, c)
	}
}

// following shows the first of the children that are waited for; each call of what it
// gives is for one that is not any more.
func (m *Manager) following(doing string, children []*server.Child) (over func(*server.Child)) {
	if !m.Console.live() {
		return func(*server.Child) {}
	}
	gone, first := map[*server.Child]bool{}, 0
	show := func() {
		for first < len(children) && gone[children[first]] {
			first++
		}
		if first == len(children) {
			return
		}
		c := children[first]
		m.Console.waiting(progress{Doing: doing, Done: len(gone), Total: len(children), Who: whose(c.Instance, c.Process.PID()),
			Since: c.Started, Limit: c.Instance.Program.ReadyWait})
	}
	show()
	return func(c *server.Child) {
		gone[c] = true
		show()
	}
}

// passes says whether c runs one pass whose end is waited for.
func (s *starting) passes(c *server.Child) bool {
	o := s.m.Options
	return o.Once && !o.NoWait && c.Instance.Program.OnceArgs != nil
}

// done says whether nothing of c is waited for any more.
func (s *starting) done(c *server.Child) bool {
	return c.Exited || c.Failure != "" || !s.passes(c) && c.Ready()
}

// readyWait is how long c is waited for, 0 standing for ever.
func (s *starting) readyWait(c *server.Child) time.Duration {
	if s.passes(c) {
		return 0
	}
	return c.Instance.Program.ReadyWait
}

// settled says what became of a server: nothing if it is ready.
func (s *starting) settled(c *server.Child) {
	m, i := s.m, c.Instance
	if c.Failure != "" {
		return
	}
	if c.Exited {
		c.ReadLogs()
	}
	m.show(c)
	r := m.result(i)
	r.Output = string(c.Output)
	r.Seconds = time.Since(m.begun).Seconds()
	m.Console.Flush()
	if !c.Exited {
		s.recognize(c)
		return
	}
	r.ended(c)
	s.forgetLocked(c)
	if !s.fine(c) {
		s.died(c)
	}
}

// fine says whether c has ended as it may.
func (s *starting) fine(c *server.Child) bool {
	return c.Succeeded() && (s.passes(c) || mayEnd(c.Instance.Program))
}

// ended notes how a process ended that this mgr is the parent of.
func (r *result) ended(c *server.Child) {
	if c.Exited && c.Failure == "" && c.Status.Exited() && !c.Followed {
		code := c.Status.ExitStatus()
		r.ExitStatus = &code
	}
}

// mayEnd says whether a server of the program may have ended by the time that it
// counts as started: with startsecs = 0 supervisord does not mind an end with
// one of the exitcodes.
func mayEnd(p *aliases.Program) bool {
	return p.StartWait == 0 && p.Ready.Kind() == aliases.ReadyStarted
}

// died says that a server died as it was started, and has it tried again if its
// program wants that: later each time.
func (s *starting) died(c *server.Child) {
	m, i := s.m, c.Instance
	when := "at start"
	if s.passes(c) {
		when = "in its pass"
	}
	m.problem(i, "%s (%d) died %s: %s (%s)", i, c.Process.PID(), when, c.Died(), subject(i))
	if s.stopped[i] {
		m.Console.Hint("another mgr has stopped it, or %s: it is not tried again", otherwise(i.Program))
		s.failed = true
		return
	}
	switch {
	case len(c.Logged) > 0:
		m.Console.Hint("these are the last lines of %s", strings.Join(c.Logged, " and of "))
	case len(c.Output) == 0:
		m.Console.Hint("it wrote nothing; look into its log")
	}
	if c.Status.Exited() && c.Status.ExitStatus() == 0 && !s.passes(c) && !i.Program.Forking {
		m.Console.Hint("if it daemonizes, the profile has to say so: forking = true")
	}
	if !s.retries(c) {
		s.failed = true
		return
	}
	s.tries[i]++
	tries := s.tries[i]
	delay := time.Duration(tries) * time.Second
	m.Console.Hint("trying again in %s s (%d of %d)", seconds(delay), tries, i.Program.StartRetries)
	s.again = append(s.again, i)
	if at := time.Now().Add(delay); at.After(s.due) {
		s.due = at
	}
}

// otherwise is what may have happened to a server that passes for stopped, if nobody has
// stopped it.
func otherwise(p *aliases.Program) string {
	if p.OwnPidfile() {
		return "it removed its pidfile itself"
	}
	return "is about to"
}

// forgetLocked removes the pidfile of a server that has ended since its lock
// was given up, or marks that it is to be tried again, unless somebody else is
// dealing with it by now, or has: then it was stopped, and is not to be started again.
func (s *starting) forgetLocked(c *server.Child) {
	i := c.Instance
	err := i.TryLock()
	if err != nil {
		s.stopped[i] = errors.Is(err, pidfile.ErrLocked)
		return
	}
	defer i.Unlock()
	s.stopped[i] = s.wasStopped(c)
	if s.stopped[i] || s.fine(c) || !s.retries(c) {
		s.forget(c)
		return
	}
	s.mark(c)
}

// wasStopped says whether somebody has stopped a server that has ended: then its
// pidfile has gone, or is another one's. Where the server may have removed it, it also
// has to have ended as one does that was stopped. The lock is held.
func (s *starting) wasStopped(c *server.Child) bool {
	p := c.Instance.Program
	f := c.Instance.Inspect()
	f.Process.Close()
	switch {
	case s.early[c]:
		return f.Record.PID != 0
	case !p.OwnPidfile():
		return f.Record.PID != c.Process.PID()
	}
	return f.State == pidfile.Stopped && c.Tracked() && c.Obeyed(p.StopSignal)
}

// late says that a server is not ready in time, or not yet.
func (s *starting) late(ctx context.Context, c *server.Child) {
	m, i, pid := s.m, c.Instance, c.Process.PID()
	c.ReadLogs()
	m.show(c)
	m.result(i).Output = string(c.Output)
	s.failed = true
	if ctx.Err() != nil {
		m.problem(i, "interrupted: %s (%d - %s) was started and is not ready yet", i, pid, subject(i))
		return
	}
	if !c.Executed {
		m.problem(i, "%s (%d - %s) was not executed within %s s: state %s", i, pid, subject(i), seconds(i.Program.ReadyWait), pidfile.StateOf(pid))
		m.Console.Hint("it is still to take on its directory and its logs, and is started once it has")
		return
	}
	if !c.Tracked() {
		m.problem(i, "%s (%s) was started, but after %s s its pidfile %q names no process of it%s", i, subject(i), seconds(i.Program.ReadyWait), i.Pidfile, misnamed(i))
		m.Console.Hint("does the command write it there, and does match describe the process?")
		return
	}
	why := ""
	if err := c.Unreached(); err != nil {
		why = ": " + err.Error()
	}
	m.problem(i, "%s (%d - %s) running, not ready after %s s%s", i, pid, subject(i), seconds(i.Program.ReadyWait), why)
	m.unheard(c.Unheard())
	if !c.Closed && i.Program.Ready.Kind() == aliases.ReadyStdoutClose {
		m.Console.Hint("it keeps its stdout open: what it writes there from now on is lost, and may end it (SIGPIPE)")
	}
}

// show prints what a server wrote while it started. In swift-init mode that is all,
// and the lines stand for themselves; otherwise they say whose they are.
func (m *Manager) show(c *server.Child) {
	prefix, most := c.Instance.String()+" ("+itoa(c.Process.PID())+"): ", defaultLines
	if m.Options.Compat {
		prefix, most = "", 0
	}
	m.Console.Show(prefix, c.Output, most)
}
