package manager

import (
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// onlyStale leaves, with --stale, those instances that run with an older conf or
// command than the one on disk, having said of each what is older. What does not
// run is none of them. It gives no server at all if there is nothing to do, and
// Failed if of some it cannot be told.
func (m *Manager) onlyStale(servers []*server.Server) ([]*server.Server, int) {
	if !m.Options.Stale {
		return servers, OK
	}
	var out []*server.Server
	status := OK
	for _, s := range servers {
		for _, err := range s.Errs { // one that cannot be read may be the one that has changed
			m.problem(nil, "%s: %v", s.Program.Name, err)
			status = Failed
		}
		some := *s
		some.Instances, some.Errs = nil, nil
		for _, i := range s.Instances {
			stale, told := m.isStale(i)
			if stale {
				some.Instances = append(some.Instances, i)
			}
			if !told {
				status = Failed
			}
		}
		if len(some.Instances) > 0 {
			out = append(out, &some)
		}
	}
	if len(out) == 0 && status == OK {
		m.Console.Say("Nothing is stale")
	}
	return out, status
}

// isStale says whether i is stale, on the console too, and whether that can be told.
func (m *Manager) isStale(i *server.Instance) (stale, told bool) {
	f := i.Inspect()
	defer f.Process.Close()
	r := m.found(i, f)
	switch f.State {
	case pidfile.Running:
	case pidfile.Unknown:
		m.problem(i, "%s (%s): cannot tell whether it is stale: %v", i, subject(i), f.Err)
		return false, false
	default:
		m.note("%s (%s) is %s: left alone", i, subject(i), f.State)
		return false, true
	}
	older, err := i.Stale(f)
	r.Stale = staleWords(older)
	for _, s := range r.Stale {
		m.Console.Say("%s (%d - %s) is stale: %s", i, f.Record.PID, subject(i), s)
	}
	if told = err == nil || len(older) > 0; !told {
		m.problem(i, "%s (%d - %s): cannot tell whether it is stale: %v", i, f.Record.PID, subject(i), err)
	}
	return len(older) > 0, told
}

// staleWords says what a server has an older version of.
func staleWords(stale []server.Stale) []string {
	var out []string
	for _, s := range stale {
		if s.Changed.IsZero() {
			out = append(out, s.What+" "+s.Path+" was replaced or removed")
			continue
		}
		out = append(out, s.What+" "+s.Path+" changed at "+s.Changed.Format(time.DateTime))
	}
	return out
}

// taken notes that a server was told at that time to read its conf anew, and did.
// Where that cannot be taken down it will count as stale.
func (m *Manager) taken(i *server.Instance, pid int, at time.Time) {
	if err := i.Reread(pid, at); err != nil {
		m.note("%s (%d): will count as stale: %v", i, pid, err)
	}
}
