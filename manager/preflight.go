package manager

import (
	"context"
	"errors"
	"io/fs"
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
	for _, s := range servers {
		for _, i := range s.Instances {
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
	}
	return len(seen)
}

// testConfs runs the checkcommands of the instances whose programs are wanted,
// all at once, and says whether all are content. It is done before a running
// server is touched; if one is not, nothing is.
func (m *Manager) testConfs(ctx context.Context, servers []*server.Server, wanted func(*aliases.Program) bool) bool {
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
	if m.Options.DryRun {
		for _, i := range todo {
			m.Console.Say("Would test %s...(%s)", i, subject(i))
		}
		return true
	}
	if m.runTests(ctx, todo) {
		return true
	}
	if ctx.Err() == nil {
		m.Console.Hint("no server was touched")
	}
	return false
}

func (m *Manager) runTests(ctx context.Context, todo []*server.Instance) bool {
	if len(todo) == 0 {
		return true
	}
	launches, err := server.NewLaunches(ctx)
	if err != nil {
		m.problem(nil, "%v", err)
		return false
	}
	defer launches.Close()
	ok := true
	for _, i := range todo {
		m.note("Testing %s...(%s)", i, subject(i))
		c, err := i.Test()
		if err == nil {
			err = launches.Add(c)
		}
		if err != nil {
			m.problem(i, "%s (%s): checkcommand: %v", i, subject(i), cannot(err))
			ok = false
		}
	}
	m.Console.Flush()
	limit := func(c *server.Child) time.Duration { return c.Instance.Program.ReadyWait }
	left, err := launches.Until(func(c *server.Child) bool { return c.Exited }, limit, func(c *server.Child) {
		ok = m.judgeTest(c) && ok
	})
	if err != nil {
		m.problem(nil, "%v", err)
		return false
	}
	for _, c := range left {
		c.Kill()
		if ctx.Err() != nil {
			m.problem(c.Instance, "interrupted: the test of %s (%s) had not ended", c.Instance, subject(c.Instance))
		} else {
			m.problem(c.Instance, "%s (%s): checkcommand still ran after %s s: killed", c.Instance, subject(c.Instance),
				seconds(c.Instance.Program.ReadyWait))
		}
		ok = false
	}
	return ok
}

// judgeTest says whether a test went well, and if not why, in its own words.
func (m *Manager) judgeTest(c *server.Child) bool {
	i := c.Instance
	if c.Failure == "" && c.Status.Exited() && c.Status.ExitStatus() == 0 {
		if m.Options.Verbose {
			m.show(c)
		}
		return true
	}
	m.result(i).Output = string(c.Output)
	m.complainWith(c)
	why := c.Failure
	if why == "" {
		why = c.Died()
	}
	m.problem(i, "%s (%s): checkcommand failed: %s", i, subject(i), why)
	return false
}

// complainWith prints the output of a test that failed where its error goes.
func (m *Manager) complainWith(c *server.Child) {
	m.Console.ShowErr(c.Instance.String()+": ", c.Output)
}

// cannot shortens what keeps a command from being executed.
func cannot(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe
	}
	return err
}
