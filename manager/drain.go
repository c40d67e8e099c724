package manager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// drain tells, at -v, which old workers still finish what they do, and, if asked
// to, waits for their ends.
func (m *Manager) drain(ctx context.Context, all []*server.Reexec) int {
	if m.Options.Drain == 0 && !m.Options.Verbose {
		return OK
	}
	status := OK
	defer m.Console.waited()
	deadline := time.Now().Add(m.Options.Drain)
	for _, r := range all {
		status = max(status, m.drainOne(ctx, r, deadline))
	}
	return status
}

func (m *Manager) drainOne(ctx context.Context, r *server.Reexec, deadline time.Time) int {
	all := r.Draining()
	defer func() {
		for _, p := range all {
			p.Close()
		}
	}()
	if len(all) == 0 {
		return OK
	}
	m.note("%s (%s): draining: %s", r.Instance, subject(r.Instance), ages(all))
	if m.Options.Drain == 0 {
		return OK
	}
	m.Console.Flush()
	m.Console.waiting(progress{Doing: "draining", Who: r.Instance.Label(), Since: r.Begun, Limit: m.Options.Drain})
	return m.drained(ctx, r.Instance, all, deadline)
}

// drained waits for the old workers of a server until the deadline, and says which of
// them are left.
func (m *Manager) drained(ctx context.Context, i *server.Instance, all []*pidfile.Process, deadline time.Time) int {
	left, err := awaitEnds(ctx, all, deadline)
	switch {
	case err != nil:
		m.problem(i, "%s (%s): nobody waits any more for what is still draining, %s: %v", i, subject(i), ages(left), err)
	case len(left) == 0:
		return OK
	case ctx.Err() != nil:
		m.problem(i, "interrupted: %s (%s) is still draining: %s", i, subject(i), ages(left))
	default:
		m.problem(i, "%s (%s): after %s s still draining: %s", i, subject(i), seconds(m.Options.Drain), ages(left))
	}
	return Failed
}

// ages lists processes with how long they have run.
func ages(processes []*pidfile.Process) string {
	var out []string
	for _, p := range processes {
		text := "pid " + itoa(p.PID())
		if age, ok := p.Age(); ok {
			text += fmt.Sprintf(" (%s old)", age.Round(time.Second))
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// awaitEnds waits until all have ended, and gives those that have not by the
// deadline, or when ctx ends.
func awaitEnds(ctx context.Context, left []*pidfile.Process, deadline time.Time) ([]*pidfile.Process, error) {
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		return left, err
	}
	defer w.Close()
	for n, p := range left {
		if err := w.Add(p.FD(), n); err != nil {
			return left, err
		}
	}
	for gone := 0; gone < len(left) && ctx.Err() == nil; {
		keys, err := w.Wait(deadline)
		if err != nil {
			return left, err
		}
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			w.Remove(left[key].FD())
			gone++
		}
	}
	return slices.DeleteFunc(slices.Clone(left), (*pidfile.Process).Exited), nil
}
