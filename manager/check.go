package manager

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/server"
)

// check says whether everything is in order to run the servers. The profile was
// parsed, or check would not have been reached.
func (m *Manager) check(_ context.Context, servers []*server.Server) int {
	bad := 0
	finding := func(i *server.Instance, format string, args ...any) {
		bad++
		m.problem(i, format, args...)
	}
	m.note("profile %s: %d programs", m.Fleet.Profile.File, len(m.Fleet.Profile.Programs))
	if err := checkDir(m.Fleet.ConfDir, unix.R_OK|unix.X_OK); err != nil {
		finding(nil, "conf directory %q: %v", m.Fleet.ConfDir, err)
	}
	if err := m.checkRunDir(); err != nil {
		finding(nil, "run directory %q: %v", m.Fleet.RunDir, err)
	}
	strict := m.strict(servers)
	n := 0
	for _, s := range servers {
		for _, err := range s.Errs {
			finding(nil, "%s: %v", s.Program.Name, err)
		}
		if s.Deprecated != "" {
			m.deprecated(s)
		}
		if len(s.Instances) == 0 && strict {
			finding(nil, "%s: no conf below %q", s.Program.Name, m.Fleet.ConfDir)
		}
		for _, i := range s.Instances {
			n++
			if err := i.Check(); err != nil {
				finding(i, "%s (%s): %v", i, subject(i), err)
				continue
			}
			m.result(i).Action = "check"
			m.note("%s (%s): in order", i, subject(i))
		}
	}
	if bad > 0 {
		return Failed
	}
	m.Console.Say("%d instances in order", n)
	return OK
}

func checkDir(path string, mode uint32) error {
	info, err := os.Stat(path)
	if err != nil {
		return cause(err)
	}
	if !info.IsDir() {
		return errors.New("not a directory")
	}
	if err := unix.Access(path, mode); err != nil {
		return err
	}
	return nil
}

// checkRunDir checks the run directory, or, where it is yet to be made, the
// nearest directory above it.
func (m *Manager) checkRunDir() error {
	for dir := m.Fleet.RunDir; ; dir = filepath.Dir(dir) {
		err := checkDir(dir, unix.W_OK|unix.X_OK)
		if !errors.Is(err, fs.ErrNotExist) || dir == "/" {
			return err
		}
	}
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
	m.Console.Print(aliases.Builtin())
	return OK
}
