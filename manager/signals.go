package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// killChildren signals the workers of the servers, which respawn them.
func (m *Manager) killChildren(ctx context.Context, servers []*server.Server) int {
	var t *signals
	var tree *pidfile.Tree
	t = m.newSignals(func(i *server.Instance, p *pidfile.Process) (int, error) { return t.children(tree, i, p) })
	m.eachBatch(ctx, instances(servers), "", func(batch []*server.Instance) {
		var err error // read each time: while a lock was waited for the children may have been replaced
		if tree, err = pidfile.ReadTree(); err != nil {
			for _, i := range batch {
				m.problem(i, "%s (%s): not signalled, since its children could not be seen: %v", i, subject(i), err)
			}
			unlock(batch)
			return
		}
		for _, i := range batch {
			t.signal(ctx, i)
			i.Unlock()
		}
	})
	return t.status(ctx, servers)
}

// children signals the children of the server of i, which runs in p, and gives how many
// there are. One that has ended meanwhile will be replaced, too.
func (t *signals) children(tree *pidfile.Tree, i *server.Instance, p *pidfile.Process) (int, error) {
	m := t.m
	children, err := tree.Children(p)
	for _, child := range children {
		if err := m.send(i, p, child, m.stopSignal(i.Program)); err != nil && !errors.Is(err, pidfile.ErrGone) {
			t.fail(i, err)
		}
		child.Close()
	}
	if len(children) == 0 && err == nil && !m.Options.Compat {
		m.Console.Say("%s (%d) has no children", i, p.PID())
		return 1, nil
	}
	return len(children), err
}

// send signals process, which belongs to i, whose server is at p.
func (m *Manager) send(i *server.Instance, p, process *pidfile.Process, sig unix.Signal) error {
	err := m.deliver(i, process, sig)
	if errors.Is(err, unix.EPERM) {
		m.Console.Say("No permission to signal PID %d", process.PID())
	}
	if err == nil {
		m.did(i, "signal", pidfile.Running, p.PID()).Signal = signalName(sig)
	}
	return err
}

// signalName is SIGTERM, or the number of a real-time signal, which has no name.
func signalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return "signal " + itoa(int(sig))
}

// signals are what was signalled of each program.
type signals struct {
	m     *Manager
	each  func(*server.Instance, *pidfile.Process) (int, error)
	begun map[*server.Instance]bool
	tally map[*aliases.Program]*tally
}

// A tally is what was signalled of one program.
type tally struct {
	count  int
	failed bool
	untold bool // of an instance it could not be told whether it runs
}

func (m *Manager) newSignals(f func(*server.Instance, *pidfile.Process) (int, error)) *signals {
	return &signals{m: m, each: f, begun: map[*server.Instance]bool{}, tally: map[*aliases.Program]*tally{}}
}

// of is the tally of a program.
func (t *signals) of(p *aliases.Program) *tally {
	if t.tally[p] == nil {
		t.tally[p] = new(tally)
	}
	return t.tally[p]
}

// signal gives an instance that runs to each, and says of any other what it is. Once
// ctx has ended it does nothing.
func (t *signals) signal(ctx context.Context, i *server.Instance) {
	if ctx.Err() != nil {
		return
	}
	t.begun[i] = true
	found := i.Inspect()
	defer found.Process.Close()
	t.m.found(i, found)
	if found.State == pidfile.Unknown {
		t.of(i.Program).untold = true
	}
	n, err := t.m.signalOne(i, found, t.each)
	if err != nil {
		t.fail(i, err)
	}
	t.of(i.Program).count += n
}

func (t *signals) fail(i *server.Instance, err error) {
	t.m.problem(i, "%s: %v", i, err)
	t.of(i.Program).failed = true
}

// status names the programs of which nothing was signalled, as far as all of their
// instances were looked at, and it could be told whether they run: where a missing
// conf is an error those without one, too.
func (t *signals) status(ctx context.Context, servers []*server.Server) int {
	m, status, strict := t.m, OK, t.m.strict(servers)
	for _, s := range servers {
		of := t.of(s.Program)
		seen := !slices.ContainsFunc(s.Instances, func(i *server.Instance) bool { return !t.begun[i] })
		// swift-init minds only if none of a program was signalled.
		if !seen || ctx.Err() != nil || of.failed && !m.Options.Compat {
			status = Failed
		}
		switch {
		case ctx.Err() != nil:
			t.interrupted(s.Instances)
		case seen && of.count == 0 && (len(s.Instances) > 0 || m.Options.Compat || strict):
			status = Failed
			if !of.untold {
				m.none(s)
			}
		}
	}
	return status
}

// interrupted says which of all the user broke off before they were looked at.
func (t *signals) interrupted(all []*server.Instance) {
	for _, i := range all {
		if !t.begun[i] {
			t.m.problem(i, "interrupted: %s (%s) was not begun", i, subject(i))
		}
	}
}

// none says that nothing of a program runs, where that is a failure.
func (m *Manager) none(s *server.Server) {
	if m.Options.Number != 0 && len(s.Instances) == 0 && !m.Options.Compat {
		m.noConf(s, &m.errors)
		return
	}
	text := "No " + s.Program.Name + " running"
	m.Console.Say("%s", text)
	m.fault(nil, text)
}

func (m *Manager) signalOne(i *server.Instance, found pidfile.Finding, f func(*server.Instance, *pidfile.Process) (int, error)) (int, error) {
	switch found.State {
	case pidfile.Running:
		return f(i, found.Process)
	case pidfile.Stopped:
		if m.Options.Compat {
			return 0, nil
		}
		return 0, fmt.Errorf("not running (%s)", subject(i))
	case pidfile.Dead:
		return 0, fmt.Errorf("dead (%s), pidfile left", subject(i))
	case pidfile.Foreign:
		return 0, fmt.Errorf("not running (%s): %s: not signalled", subject(i), m.holder(found))
	case pidfile.Malformed:
		return 0, found.Err // which has the path
	}
	return 0, fmt.Errorf("cannot tell whether it runs (%s): %w", subject(i), found.Err)
}
