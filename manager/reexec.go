package manager

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// The pauses between two looks at servers that re-execute themselves: the
// kernel has no event for execve(2) but a tracer's. They grow, and a look, which
// reads all of /proc, takes no more than a twentieth of the time.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 50 * time.Millisecond
	lookShare = 20
)

// longestLock is how long a server that is to make a successor stays locked: if
// it does not do so, somebody may have to stop it.
const longestLock = 5 * time.Second

// reexecs are servers that re-execute themselves, waited for at once.
type reexecs struct {
	m      *Manager
	w      *pidfile.Waiter
	all    []*server.Reexec // by their keys
	over   []bool
	left   int
	status int
}

// awaitReexec waits until every server is through, has died, or is out of time,
// and lets go of all.
func (m *Manager) awaitReexec(ctx context.Context, all []*server.Reexec) int {
	if len(all) == 0 {
		return OK
	}
	defer func() {
		for _, r := range all {
			r.Close()
		}
	}()
	x := &reexecs{m: m, all: all, over: make([]bool, len(all)), left: len(all)}
	if err := x.await(ctx); err != nil {
		x.open("", fmt.Sprintf(": nobody waits for it any more: %v", err))
		return Failed
	}
	if ctx.Err() == nil {
		return max(x.status, m.drain(ctx, all))
	}
	x.open("interrupted: ", " and is not ready yet")
	return x.status
}

// open names the servers that nobody waits for any more.
func (x *reexecs) open(before, after string) {
	for n, r := range x.all {
		if !x.over[n] {
			x.m.problem(r.Instance, "%s%s (%d - %s) was asked to re-execute itself%s",
				before, r.Instance, r.Process.PID(), subject(r.Instance), after)
		}
	}
}

func (x *reexecs) await(ctx context.Context) error {
	var err error
	if x.w, err = pidfile.NewWaiter(ctx); err != nil {
		return err
	}
	defer x.w.Close()
	if err := x.watch(); err != nil {
		return err
	}
	return x.until(ctx)
}

func (x *reexecs) watch() error {
	for n, r := range x.all {
		for _, fd := range r.FDs() {
			if err := x.w.Add(fd, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// until looks at all of them now and then, and at those that something happens to
// at once.
func (x *reexecs) until(ctx context.Context) error {
	defer x.m.Console.waited()
	pause, next := firstLook, time.Now()
	for x.left > 0 && ctx.Err() == nil {
		x.progress()
		keys, err := x.w.Wait(next)
		if err != nil {
			return err
		}
		for _, n := range keys {
			x.judge(n, nil)
		}
		began := time.Now()
		if x.left == 0 || began.Before(next) {
			continue
		}
		tree, err := pidfile.ReadTree()
		if err != nil {
			return err
		}
		for n := range x.all {
			x.judge(n, tree)
		}
		x.m.Console.Flush()
		pause = max(min(pause*3/2, lastLook), lookShare*time.Since(began))
		next = time.Now().Add(pause)
	}
	return nil
}

// progress tells what is waited for.
func (x *reexecs) progress() {
	r := x.all[slices.Index(x.over, false)]
	x.m.Console.waiting(progress{Doing: "re-executing", Done: len(x.all) - x.left, Total: len(x.all),
		Who: whose(r.Instance, r.Process.PID()), Since: r.Begun, Limit: r.Instance.Program.ReadyWait})
}

// judge deals with one of them, unless it is over.
func (x *reexecs) judge(n int, tree *pidfile.Tree) {
	r := x.all[n]
	if x.over[n] {
		return
	}
	over, ok := x.m.judgeReexec(r, tree)
	if over || time.Since(r.Begun) > longestLock {
		r.Instance.Unlock()
	}
	if !over {
		for _, fd := range r.Unheard() {
			x.w.Remove(fd)
		}
		if r.Process.Exited() { // or it would be told again and again
			x.w.Remove(r.Process.FD())
		}
		return
	}
	x.over[n] = true
	x.left--
	if !ok {
		x.status = Failed
	}
	for _, fd := range r.FDs() {
		x.w.Remove(fd)
	}
}
