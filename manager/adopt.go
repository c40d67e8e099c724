package manager

import (
	"context"
	"errors"

	"mgr/pidfile"
	"mgr/server"
)

// adopt writes the pidfiles of servers that run without one.
func (m *Manager) adopt(ctx context.Context, servers []*server.Server) int {
	all := instances(servers)
	if err := m.openRunDir(); err != nil {
		m.problem(nil, "%v: nothing adopted", err)
		return Failed
	}
	failed := m.unfound(servers) != OK
	begun := map[*server.Instance]bool{}
	ok := m.eachBatch(ctx, all, "not adopted", func(batch []*server.Instance) {
		failed = !m.adoptBatch(ctx, batch, begun) || failed
		for _, i := range batch {
			i.Unlock()
		}
	})
	if ctx.Err() != nil {
		for _, i := range all {
			if !begun[i] {
				m.problem(i, "interrupted: %s (%s) was not begun", i, subject(i))
			}
		}
		return Failed
	}
	if !ok || failed {
		return Failed
	}
	return OK
}

// adoptBatch adopts the servers of instances whose locks are held, notes which it has
// come to, and says whether all have a pidfile now.
func (m *Manager) adoptBatch(ctx context.Context, batch []*server.Instance, begun map[*server.Instance]bool) bool {
	var missing []*server.Instance
	states := map[*server.Instance]pidfile.Finding{}
	for _, i := range batch {
		f := i.Inspect()
		f.Process.Close()
		m.found(i, f)
		if states[i] = f; absent(f) || f.State == pidfile.Malformed {
			missing = append(missing, i)
		}
	}
	found, err := map[*server.Instance]server.Untracked(nil), error(nil)
	if len(missing) > 0 {
		found, err = m.Fleet.Untracked(missing, nil)
	}
	if err != nil {
		m.problem(nil, "cannot look for servers without a pidfile: %v", err)
		return false
	}
	ok := true
	for _, i := range batch {
		if ctx.Err() != nil { // what else runs it may not have been seen
			break
		}
		begun[i] = true
		if err := m.adoptOne(i, states[i], found[i]); err != nil {
			m.problem(i, "%s (%s): not adopted: %v", i, subject(i), err)
			m.dropsHint(i, err)
			ok = false
		}
	}
	return ok
}

// errNoProcess says that nothing was found to adopt.
var errNoProcess = errors.New("no process runs it")

// dropsHint says where a server was not looked for that took on another user's
// rights: anybody could make a process that looks like it.
func (m *Manager) dropsHint(i *server.Instance, err error) {
	if p := i.Program; errors.Is(err, errNoProcess) && p.User == "" && p.DropsTo == "" {
		m.Console.Hint("if it runs as a user that it has changed to by itself, name that one with drops_to in the profile")
	}
}

// adoptOne writes the pidfile of i, which was found as f says, if there is but one
// server that it can be for.
func (m *Manager) adoptOne(i *server.Instance, f pidfile.Finding, u server.Untracked) error {
	switch {
	case f.State == pidfile.Running:
		m.Console.Say("%s running (%d - %s)", i, f.Record.PID, subject(i))
		return nil
	case f.State == pidfile.Unknown, f.State == pidfile.Foreign && i.Stray(f):
		return f.Err
	case len(u.PIDs)+len(u.Shared) == 0:
		return errNoProcess
	case len(u.Shared) > 0:
		return errors.New(runPIDs(append(u.PIDs, u.Shared...)) + " what may be another instance as well")
	case len(u.PIDs) > 1:
		return errors.New(runPIDs(u.PIDs) + " it, and which is the server cannot be told: end one by hand")
	}
	pid := u.PIDs[0]
	if m.Options.DryRun {
		return m.wouldAdopt(i, f, pid)
	}
	if f.State == pidfile.Malformed {
		if err := i.Remove(0); err != nil {
			return err
		}
		m.did(i, removePidfile, pidfile.Stopped, 0)
	}
	who := m.Fleet.Reader.Describe(pid)
	if err := i.Adopt(pid); err != nil {
		return err
	}
	now := i.Inspect()
	now.Process.Close()
	if now.State != pidfile.Running {
		return errors.Join(errors.New(runPIDs(u.PIDs)+" it, but as "+now.State.String()), i.Remove(pid))
	}
	m.Console.Say("Adopted %s (%d - %s): %s", i, pid, subject(i), who)
	m.did(i, "adopt", pidfile.Running, pid)
	return nil
}
