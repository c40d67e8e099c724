package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// eachBatch gives f all instances, in batches whose locks are held: first those
// that nobody else is acting on, then, one wait after the other, the rest.
// Nothing is held while it waits, so two commands on the same servers cannot
// block each other for good. f gives up the locks. It returns false if some
// could not be locked, having said so.
func (m *Manager) eachBatch(ctx context.Context, all []*server.Instance, without string, f func([]*server.Instance)) bool {
	return m.each(ctx, all, batching{size: len(all), without: without, act: f, settle: func() {}})
}

// A batching says how batches are made, and what is done with them.
type batching struct {
	size    int    // at most so many at once
	without string // nothing is done without a lock, and this is said: "not started"; "": it is done all the same
	act     func([]*server.Instance)
	settle  func()                 // gives up the locks that act has kept
	gaveUp  func(*server.Instance) // is told of each that could not be locked in time; nil: nobody is
}

// each is eachBatch for smaller batches, whose locks may be kept a while.
func (m *Manager) each(ctx context.Context, all []*server.Instance, b batching) bool {
	if m.Options.DryRun {
		todo, ok := m.unlocked(all, b.without)
		b.act(todo)
		return ok
	}
	ok := true
	for pending := all; len(pending) > 0 && ctx.Err() == nil; {
		busy, acted, locked := m.actNow(ctx, pending, b)
		ok = ok && locked
		if !acted && len(busy) > 0 {
			ok = m.actLater(ctx, busy[0], b) && ok
			busy = busy[1:]
		}
		pending = busy
	}
	return ok
}

// actNow acts on those of pending that nobody else holds. It gives those that are
// held, whether there was anything to act on, and whether all others could be locked
// or need no lock.
func (m *Manager) actNow(ctx context.Context, pending []*server.Instance, b batching) (busy []*server.Instance, acted, ok bool) {
	ok = true
	var batch []*server.Instance
	act := func() {
		if len(batch) > 0 {
			acted = true
			b.act(batch)
			batch = nil
		}
	}
	for _, i := range pending {
		err := i.TryLock()
		switch {
		case errors.Is(err, pidfile.ErrLocked):
			busy = append(busy, i)
		case err == nil:
			batch = append(batch, i)
		case b.without != "":
			ok = m.unlockable(i, b.without, err) && ok
		default:
			m.noLock(err)
			batch = append(batch, i)
		}
		if len(batch) == b.size {
			if act(); ctx.Err() != nil {
				break
			}
		}
	}
	act()
	return busy, acted, ok
}

// actLater waits for the lock of one instance and then acts on it.
func (m *Manager) actLater(ctx context.Context, i *server.Instance, b batching) bool {
	b.settle()
	if err := m.waitLock(ctx, i); err != nil {
		m.problem(i, "%s (%s): %v", i, subject(i), err)
		if b.gaveUp != nil {
			b.gaveUp(i)
		}
		return false
	}
	b.act([]*server.Instance{i})
	return true
}

// unlockable is for an instance that is to be started, or adopted, and cannot be
// locked: that is no harm if it runs. Otherwise without is said of it.
func (m *Manager) unlockable(i *server.Instance, without string, err error) bool {
	f := i.Inspect()
	f.Process.Close()
	m.found(i, f)
	if f.State == pidfile.Running {
		m.Console.Say("%s running (%d - %s)", i, f.Record.PID, subject(i))
		return true
	}
	m.problem(i, "%s (%s): %s: %v", i, subject(i), without, err)
	if errors.Is(err, fs.ErrPermission) && !m.warned["permission"] {
		m.warned["permission"] = true
		m.Console.Hint("run it as root, or as the user that owns the run directory")
	}
	return false
}

// noLock says, once and at -v, that what follows goes on without locks: a full
// or read-only run directory must not keep a server from being stopped.
func (m *Manager) noLock(err error) {
	if errors.Is(err, fs.ErrNotExist) || m.warned["lock"] || !m.Options.Verbose {
		return
	}
	m.warned["lock"] = true
	m.warn(nil, "going on without a lock: %v", err)
}

// waitLock waits for the lock of i, for what is left of the lock wait at the most:
// whoever holds all of them, and the owner of the run directory can, keeps a command
// from its end no longer than one who holds one.
func (m *Manager) waitLock(ctx context.Context, i *server.Instance) error {
	left, began := m.Options.LockWait-m.lockWaited, time.Now()
	if left <= 0 && m.lockWaited > 0 {
		return fmt.Errorf("another mgr is acting on it, and this one has waited for others for %s s, gave up", seconds(m.Options.LockWait))
	}
	defer func() { m.lockWaited += time.Since(began) }()
	who := m.lockHolder(i)
	m.note("%s (%s): waiting for %s", i, subject(i), who)
	m.Console.Flush()
	m.Console.waiting(progress{Doing: "waiting for " + who, Who: i.Label(), Since: began, Limit: left})
	defer m.Console.waited()
	switch err := takeLock(ctx, i, left); {
	case errors.Is(err, errTimeUp):
		return fmt.Errorf("%s has been acting on it for %s s, gave up", who, seconds(left))
	case errors.Is(err, errInterrupted):
		return fmt.Errorf("interrupted while %s is acting on it", who)
	default:
		m.Fleet.Outdated()
		return err
	}
}

// Why a lock was not waited for any longer.
var (
	errTimeUp      = errors.New("the time is up")
	errInterrupted = errors.New("interrupted")
)

// lastWord is how long it is waited, once the time is up, for the word that the lock is
// free: if mgr itself was stopped meanwhile, as at Ctrl-Z, it may be on its way.
const lastWord = 100 * time.Millisecond

// takeLock takes the lock of i once nobody has it.
func takeLock(ctx context.Context, i *server.Instance, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for late := false; ; {
		free, err := awaitLock(i)
		if err != nil {
			return err
		}
		for waits := true; waits; {
			select {
			case err = <-free:
				waits = false
			case <-ctx.Done():
				return errInterrupted
			case <-timer.C:
				if late {
					return errTimeUp
				}
				late = true
				timer.Reset(lastWord)
			}
		}
		if err == nil {
			err = i.TryLock()
		}
		if !errors.Is(err, pidfile.ErrLocked) { // or somebody else was faster
			return err
		}
	}
}

// awaitLock tells when nobody has the lock of i.
func awaitLock(i *server.Instance) (<-chan error, error) {
	wait, err := i.AwaitLock()
	if err != nil {
		return nil, err
	}
	// fcntl(2) has no timeout: a goroutine waits, and is left behind if the time is up.
	free := make(chan error, 1)
	go func() { free <- wait() }()
	return free, nil
}

// lockHolder says in words who acts on i.
func (m *Manager) lockHolder(i *server.Instance) string {
	pid, argv := i.Holder()
	switch {
	case pid == 0:
		return "another mgr"
	case argv == nil:
		return fmt.Sprintf("pid %d, %s", pid, m.Fleet.Reader.Describe(pid))
	}
	return fmt.Sprintf("another mgr (pid %d: %q)", pid, strings.Join(argv, " "))
}
