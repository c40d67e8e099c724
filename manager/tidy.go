package manager

import (
	"context"
	"errors"
	"slices"

	"mgr/pidfile"
	"mgr/server"
)

// malformed gives the instances whose pidfile is the server's own, and holds no
// pid.
func malformed(all []*server.Instance) []*server.Instance {
	var out []*server.Instance
	for _, i := range all {
		if i.Program.Pidfile == "" {
			continue
		}
		f := i.Inspect()
		f.Process.Close()
		if f.State == pidfile.Malformed {
			out = append(out, i)
		}
	}
	return out
}

// tidy removes pidfiles without a pid that tests have made, and no others: nginx
// -t makes sure that it could write one. before are those that there were.
func (m *Manager) tidy(ctx context.Context, tested, before []*server.Instance) {
	made := slices.DeleteFunc(malformed(tested), func(i *server.Instance) bool { return slices.Contains(before, i) })
	// Locked, since it may be a server's that is just being started or stopped.
	m.eachBatch(ctx, made, "", func(batch []*server.Instance) {
		for _, i := range malformed(batch) {
			if err := i.Remove(0); err != nil && !errors.Is(err, pidfile.ErrChanged) {
				m.warn(i, "%s: %v", i, err)
			}
		}
		for _, i := range batch {
			i.Unlock()
		}
	})
}
