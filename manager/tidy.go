package manager

import (
	"errors"
	"io/fs"

	"mgr/pidfile"
	"mgr/server"
)

// withoutPidfile gives the instances whose pidfile is the server's own, and is
// not there.
func withoutPidfile(all []*server.Instance) []*server.Instance {
	var out []*server.Instance
	for _, i := range all {
		if i.Program.Pidfile == "" {
			continue
		}
		f := i.Inspect()
		f.Process.Close()
		if f.State == pidfile.Stopped {
			out = append(out, i)
		}
	}
	return out
}

// tidy removes pidfiles without a pid that tests have made: nginx -t makes sure
// that it could write one. Where somebody starts the server meanwhile, it is his.
func (m *Manager) tidy(instances []*server.Instance) {
	for _, i := range instances {
		f := i.Inspect()
		f.Process.Close()
		if f.State != pidfile.Malformed {
			continue
		}
		// Without a run directory nobody has ever started anything.
		if err := i.TryLock(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := i.Remove(0); err != nil && !errors.Is(err, pidfile.ErrChanged) {
			m.Console.Warn("%s: %v", i, err)
		}
		i.Unlock()
	}
}
