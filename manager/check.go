package manager

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/server"
)

// check says whether everything is in order to run the servers. The profile was
// parsed, or check would not have been reached.
func (m *Manager) check(ctx context.Context, servers []*server.Server) int {
	c := &checking{m: m, strict: m.strict(servers), bad: map[*server.Instance]bool{}}
	m.note("profile %s: %d programs", m.Fleet.Profile.File, len(m.Fleet.Profile.Programs))
	for _, n := range m.Fleet.Profile.Notes {
		m.note("%v", n)
	}
	c.dirs(servers)
	m.impossible(servers, func(i *server.Instance, err *aliases.Error) { c.finding(i, "%v", err) })
	for _, s := range servers {
		c.server(s)
	}
	n := 0
	sound := make([]*server.Server, 0, len(servers))
	for _, s := range servers {
		n += len(s.Instances)
		some := *s
		some.Instances = slices.DeleteFunc(slices.Clone(s.Instances), func(i *server.Instance) bool { return c.bad[i] || i.Orphan })
		sound = append(sound, &some)
	}
	if !m.runChecks(ctx, sound) {
		c.findings++
	}
	if c.findings > 0 || ctx.Err() != nil {
		return Failed
	}
	if len(m.steps) > 0 {
		m.Console.Say("%d instances in order, but for what their tests would say", n)
	} else {
		m.Console.Say("%d instances in order", n)
	}
	return OK
}

// runChecks runs the checkcommands of all servers.
func (m *Manager) runChecks(ctx context.Context, servers []*server.Server) bool {
	var todo []*server.Instance
	for _, s := range servers {
		if len(s.Program.CheckCommand) > 0 {
			todo = append(todo, s.Instances...)
		}
	}
	return m.runTests(ctx, todo)
}

// checking is what a check has found so far.
type checking struct {
	m        *Manager
	strict   bool // a missing conf is an error
	findings int
	bad      map[*server.Instance]bool
}

func (c *checking) finding(i *server.Instance, format string, args ...any) {
	c.findings++
	c.m.problem(i, format, args...)
	if i != nil {
		c.bad[i] = true
	}
}

func (c *checking) dirs(servers []*server.Server) {
	m := c.m
	confs := slices.ContainsFunc(servers, func(s *server.Server) bool { return len(s.Program.Conf) > 0 })
	if err := dirReadable(m.Fleet.ConfDir); err != nil && confs {
		c.finding(nil, "conf directory %q: %v", m.Fleet.ConfDir, err)
	}
	if err := server.DirWritable(m.Fleet.RunDir); err != nil {
		c.finding(nil, "run directory %q: %v", m.Fleet.RunDir, err)
	}
}

func (c *checking) server(s *server.Server) {
	m := c.m
	for _, err := range s.Errs {
		c.finding(nil, "%s: %v", s.Program.Name, err)
	}
	if s.Deprecated != "" {
		m.deprecated(s)
	}
	if len(s.Instances) == 0 && c.strict && m.Options.Number != 0 {
		m.noConf(s, &m.errors)
		c.findings++
	} else if len(s.Instances) == 0 && c.strict {
		c.finding(nil, "%s: no conf below %q", s.Program.Name, m.Fleet.ConfDir)
	}
	for _, i := range s.Instances {
		if c.bad[i] {
			continue
		}
		if err := i.Check(); err != nil {
			c.finding(i, "%s (%s): %v", i, subject(i), err)
			continue
		}
		m.result(i).Action = "check"
		m.note("%s (%s): in order", i, subject(i))
	}
}

// dirReadable says why the caller cannot look for files in the directory.
func dirReadable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return cause(err)
	}
	if !info.IsDir() {
		return unix.ENOTDIR
	}
	return unix.Access(dir, unix.R_OK|unix.X_OK)
}

func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// profile prints the built-in profile.
func (m *Manager) profile(context.Context, []*server.Server) int {
	return m.print(aliases.Builtin())
}
