package manager

import (
	"context"
	"slices"
	"time"

	"mgr/aliases"
	"mgr/server"
)

// preflight refuses to begin what the profile makes impossible: a command that
// is not installed, a user who does not exist, a log that cannot be written. It
// says all of it, and nothing was touched.
func (m *Manager) preflight(servers []*server.Server) int {
	if m.Options.Compat {
		return OK // each instance fails for itself
	}
	bad := m.impossible(servers, func(i *server.Instance, err *aliases.Error) { m.problem(i, "%v", err) })
	if bad == 0 {
		return OK
	}
	m.Console.Hint("nothing was touched")
	return Usage
}

// impossible gives report what Preflight finds, each finding once.
func (m *Manager) impossible(servers []*server.Server, report func(*server.Instance, *aliases.Error)) int {
	seen := map[aliases.Error]bool{}
	for _, i := range instances(servers) {
		if i.Orphan {
			continue
		}
		for _, err := range i.Preflight() {
			if !seen[*err] {
				seen[*err] = true
				report(i, err)
			}
		}
	}
	return len(seen)
}

// testConfs runs the checkcommands of the instances whose programs are wanted,
// all at once, and says whether all are content. It is done before a running
// server is touched; if one is not, nothing is.
func (m *Manager) testConfs(ctx context.Context, servers []*server.Server, wanted func(*aliases.Program) bool) bool {
	if m.Options.Compat {
		return true // swift-init tests nothing
	}
	var todo []*server.Instance
	for _, s := range servers {
		if !wanted(s.Program) {
			continue
		}
		if len(s.Program.CheckCommand) == 0 {
			m.note("%s has no checkcommand: its conf is not tested", s.Program.Name)
			continue
		}
		for _, i := range s.Instances {
			if !i.Orphan {
				todo = append(todo, i)
			}
		}
	}
	if m.runTests(ctx, todo) {
		return true
	}
	if ctx.Err() == nil {
		m.Console.Hint("no server was touched")
	}
	return false
}

// runTests runs checkcommands, and says whether all are content. Where it is not sure
// that a program knows such a test, one instance finds out for all.
func (m *Manager) runTests(ctx context.Context, todo []*server.Instance) bool {
	if m.Options.DryRun {
		for _, i := range todo {
			m.would("test %s...(%s)", i, subject(i))
		}
		return true
	}
	t := &confTests{m: m, ok: true, untested: map[*aliases.Program]bool{}}
	asked := map[*aliases.Program]bool{}
	var first, rest []*server.Instance
	for _, i := range todo {
		if i.Program.CheckAbsent != "" && asked[i.Program] {
			rest = append(rest, i)
			continue
		}
		asked[i.Program] = true
		first = append(first, i)
	}
	t.run(ctx, first)
	t.run(ctx, slices.DeleteFunc(rest, func(i *server.Instance) bool { return t.untested[i.Program] }))
	return t.ok
}

// confTests is a run of checkcommands.
type confTests struct {
	m        *Manager
	ok       bool
	untested map[*aliases.Program]bool // there is no such test
}

// run runs those of todo, in waves where there are more than descriptors for them.
func (t *confTests) run(ctx context.Context, todo []*server.Instance) {
	for wave := range slices.Chunk(todo, max(handles()/perLaunch, 1)) {
		if ctx.Err() != nil {
			return
		}
		t.wave(ctx, wave)
	}
}

// wave runs checkcommands at once and waits for them at once.
func (t *confTests) wave(ctx context.Context, todo []*server.Instance) {
	m := t.m
	launches, err := server.NewLaunches(ctx)
	if err != nil {
		m.problem(nil, "%v", err)
		t.ok = false
		return
	}
	defer launches.Close()
	defer m.tidy(ctx, todo, malformed(todo))
	for _, i := range todo {
		m.note("Testing %s...(%s)", i, subject(i))
		if _, err := launchTest(launches, i); err != nil {
			m.problem(i, "%s (%s): checkcommand: %v", i, subject(i), err)
			t.ok = false
		}
	}
	m.Console.Flush()
	defer m.Console.waited()
	left, err := awaitTests(launches, m.following("testing", launches.Children))
	if err != nil {
		m.problem(nil, "%v", err)
		t.ok = false
	}
	for _, c := range launches.Children { // not in the order in which they happened to end
		if slices.Contains(left, c) {
			t.giveUp(ctx, c)
		} else {
			t.judge(c)
		}
	}
}

// launchTest starts the checkcommand of one instance.
func launchTest(launches *server.Launches, i *server.Instance) (*server.Child, error) {
	c, err := i.Test()
	if err != nil {
		return nil, err
	}
	if err := launches.Add(c); err != nil {
		c.Kill()
		c.Process.Close()
		return nil, err
	}
	return c, nil
}

// awaitTests waits for the end of checkcommands, and gives those that take too long.
func awaitTests(launches *server.Launches, over func(*server.Child)) ([]*server.Child, error) {
	limit := func(c *server.Child) time.Duration { return c.Instance.Program.ReadyWait }
	return launches.Until(func(c *server.Child) bool { return c.Exited }, limit, over)
}

// giveUp ends a test that is not over in time.
func (t *confTests) giveUp(ctx context.Context, c *server.Child) {
	t.ok = false
	c.Kill()
	if ctx.Err() != nil {
		t.m.problem(c.Instance, "interrupted: the test of %s (%s) had not ended", c.Instance, subject(c.Instance))
		return
	}
	t.m.problem(c.Instance, "%s (%s): checkcommand still ran after %s s: killed", c.Instance, subject(c.Instance),
		seconds(c.Instance.Program.ReadyWait))
}

// judge says what came of one test, in its own words if it failed.
func (t *confTests) judge(c *server.Child) {
	m, i := t.m, c.Instance
	switch {
	case c.Failure == "" && c.Status.Exited() && c.Status.ExitStatus() == 0:
		if m.Options.Verbose {
			m.show(c)
		}
		return
	case c.Failure == "" && c.Untested():
		if !t.untested[i.Program] {
			m.note("%s does not know how to test its conf: it is not tested", i)
		}
		t.untested[i.Program] = true
		return
	}
	t.ok = false
	r := m.result(i)
	r.Output = string(c.Output)
	r.ended(c)
	m.Console.ShowErr(i.String()+": ", c.Output)
	why := c.Failure
	if why == "" {
		why = c.Died()
	}
	m.problem(i, "%s (%s): checkcommand failed: %s", i, subject(i), why)
}
