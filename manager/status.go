package manager

import (
	"context"
	"errors"
	"slices"

	"mgr/pidfile"
	"mgr/server"
)

// Exit statuses of status, as the Linux Standard Base has them.
const (
	statusDead    = 1 // some are dead, with a pidfile left
	statusStopped = 3 // some are not running
	statusUnknown = 4 // it cannot be told
)

// status prints the state of every instance. It only reads.
func (m *Manager) status(_ context.Context, servers []*server.Server) int {
	if m.Options.Compat {
		return m.compatStatus(servers)
	}
	strict := m.strict(servers) || !anyInstance(servers)
	seen := map[pidfile.State]bool{}
	show, all := m.showLine, []sighting(nil)
	if m.onTerminal() {
		show = func(s sighting) { all = append(all, s) }
	}
	found, n := m.inspect(instances(servers)), 0
	for _, s := range servers {
		for _, err := range s.Errs {
			m.problem(nil, "%s: %v", s.Program.Name, err)
			seen[pidfile.Unknown] = true
		}
		if len(s.Instances) == 0 && strict {
			seen[pidfile.Stopped] = true
			if m.Options.Number != 0 {
				m.noConf(s, &m.errors)
				continue
			}
			m.fault(nil, "No "+s.Program.Name+" running")
			show(sighting{server: s, finding: pidfile.Finding{State: pidfile.Stopped}})
		}
		for _, i := range s.Instances {
			f := found[n]
			n++
			seen[f.State] = true
			show(sighting{s, i, f})
		}
	}
	m.overview(all)
	return worst(seen)
}

// inspect looks at all instances, and, if some do not run, for servers that no
// pidfile names. It gives what was found in the order of the instances.
func (m *Manager) inspect(all []*server.Instance) []pidfile.Finding {
	found := make([]pidfile.Finding, len(all))
	var missing []*server.Instance
	next := server.Inspections(all)
	for n, i := range all {
		if found[n] = next(); absent(found[n]) {
			missing = append(missing, i)
		}
	}
	loose := m.seeUntracked(missing, runningPIDs(slices.Values(found), missing))
	for n, i := range all {
		u, ok := loose[i]
		if !ok {
			continue
		}
		found[n] = i.Inspect() // it may have been being started
		found[n].Process.Close()
		if absent(found[n]) {
			m.loose[i] = u.PIDs
		}
	}
	return found
}

// instances are those of all servers, in their order.
func instances(servers []*server.Server) []*server.Instance {
	var all []*server.Instance
	for _, s := range servers {
		all = append(all, s.Instances...)
	}
	return all
}

// worst is the exit status for the states that were seen: the first of LSB's
// that holds.
func worst(seen map[pidfile.State]bool) int {
	switch {
	case seen[pidfile.Dead], seen[pidfile.Foreign], seen[pidfile.Malformed]:
		return statusDead
	case seen[pidfile.Stopped]:
		return statusStopped
	case seen[pidfile.Unknown]:
		return statusUnknown
	}
	return OK
}

// showLine prints a line on one instance, or on a program without one.
func (m *Manager) showLine(s sighting) {
	i, f := s.instance, s.finding
	if i == nil {
		m.Console.Paint(yellow, "No %s running", s.server.Program.Name)
		return
	}
	r := m.found(i, f)
	if f.State != pidfile.Running && (m.Options.JSON || m.Options.Verbose) {
		r.Why = m.reasons(i, f)
		defer m.note("  %s", r.Why)
	}
	pid := f.Record.PID
	if pids := m.loose[i]; len(pids) > 0 {
		m.Console.Paint(yellow, "%s running (%s - %s), %s", i, joinPIDs(pids, " "), subject(i), untold(f))
		return
	}
	switch f.State {
	case pidfile.Running:
		m.Console.Paint(green, "%s running (%d - %s)", i, pid, subject(i))
		if i.Orphan {
			m.note("%s (%d): %s", i, pid, orphaned(i))
		}
	case pidfile.Stopped:
		if m.Options.Number != 0 {
			m.Console.Paint(yellow, "%s #%d not running (%s)", i, m.Options.Number, subject(i))
		} else {
			m.Console.Paint(yellow, "%s not running (%s)", i, subject(i))
		}
	case pidfile.Dead:
		m.Console.Paint(red, "%s dead (%d - %s), pidfile left", i, pid, subject(i))
		m.zombie(i, pid)
	case pidfile.Foreign:
		m.Console.Paint(red, "%s not running (%s), pidfile left: %s", i, subject(i), m.holder(f))
		r.fail("%s", m.holder(f))
	default:
		m.Console.Paint(red, "%s %s (%s)", i, f.State, subject(i))
		m.unclear(i, f)
	}
}

// unclear says why it cannot be told whether i, which was found as f says, runs.
func (m *Manager) unclear(i *server.Instance, f pidfile.Finding) {
	if f.State == pidfile.Malformed { // of which the error has the path
		m.problem(i, "%s: %v", i, f.Err)
		return
	}
	m.problem(i, "%s (%s): %v", i, subject(i), f.Err)
}

// reasons says in a sentence why i, which was found as f says, does not run, as far
// as the disk and /proc tell at little cost; `why` looks closer.
func (m *Manager) reasons(i *server.Instance, f pidfile.Finding) string {
	if pids := m.loose[i]; len(pids) > 0 {
		return runPIDs(pids) + " it without a pidfile"
	}
	e := &exam{m: m, i: i, f: f}
	e.pidfile()
	e.port()
	e.killed()
	if failed := e.failed(); len(failed) > 0 {
		return failed[0].sentence()
	}
	return f.Err.Error()
}

// untold says what leads nobody to a server that runs all the same.
func untold(f pidfile.Finding) string {
	if f.State == pidfile.Stopped {
		return "without a pidfile"
	}
	return "but its pidfile names pid " + itoa(f.Record.PID)
}

// zombie names, at -v, the parent that does not reap a dead server.
func (m *Manager) zombie(i *server.Instance, pid int) {
	if who := m.Fleet.Reader.Unreaped(pid); who != "" {
		m.note("%s (%d) is a zombie: %s", i, pid, who)
	}
}

// subject is what tells one instance of a program from another: its conf, or
// its pidfile where it has none.
func subject(i *server.Instance) string {
	if i.Conf != "" {
		return i.Conf
	}
	return i.Pidfile
}

// orphaned says why there should be no such instance any more.
func orphaned(i *server.Instance) string {
	if i.Conf != "" {
		return "its conf " + i.Conf + " is gone"
	}
	return "it is one too many: numprocs is " + itoa(i.Program.NumProcs)
}

// holder says in words who has the pid that a pidfile names.
func (m *Manager) holder(f pidfile.Finding) string {
	var fe *pidfile.ForeignError
	if errors.As(f.Err, &fe) && fe.Worker == 0 && !fe.Titled {
		return "pid " + itoa(fe.PID) + " is now " + m.Fleet.Reader.Describe(fe.PID)
	}
	return f.Err.Error()
}
