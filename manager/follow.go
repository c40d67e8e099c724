package manager

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server/logtail"
)

// follow shows the last lines of every log, and goes on with the next ones until it
// is interrupted or nobody reads them any more.
func (v *logView) follow(ctx context.Context) {
	if len(v.logs) == 0 {
		v.complain()
		return
	}
	f, err := logtail.NewFollower(v.print)
	if err == nil {
		defer f.Close()
		f.Trouble = v.trouble
		err = v.begin(ctx, f)
	}
	if err == nil {
		v.complain()
		err = v.m.goOn(ctx, f)
	}
	if err == nil {
		return
	}
	v.failed = true
	v.m.problem(nil, "cannot follow: %v", err)
	switch {
	case errors.Is(err, unix.ENOSPC):
		v.m.Console.Hint("so many logs need a higher fs.inotify.max_user_watches, see sysctl(8)")
	case errors.Is(err, unix.EMFILE):
		v.m.Console.Hint("so many logs need a higher limit of open files, ulimit -n, or a higher fs.inotify.max_user_instances, see sysctl(8)")
	}
}

// trouble tells of a log that cannot be followed any more.
func (v *logView) trouble(key int, err error) {
	l := v.logs[key]
	v.failed = true
	v.m.Console.Warn("%s, %s: %q: %v", l.owners(","), l.Stream, l.Log.Path, cause(err))
}

// begin begins to follow, with the last lines. What is not there yet is awaited.
func (v *logView) begin(ctx context.Context, f *logtail.Follower) error {
	for key, l := range v.logs {
		missing, err := f.Add(l.Log, key, v.lines)
		if err != nil {
			return err
		}
		switch {
		case errors.Is(missing, fs.ErrNotExist):
			v.m.warn(nil, "%s, %s: %q is not there yet: waiting for it", l.owners(","), l.Stream, l.Log.Path)
			v.saw(l)
		case missing != nil:
			l.err = missing
		default:
			v.saw(l)
		}
	}
	v.gather()
	defer v.release()
	for ctx.Err() == nil && f.Begin() {
	}
	return nil
}

// The keys of what is waited for.
const (
	keyNews = iota
	keyHangup
)

// goOn follows until ctx ends, or until nobody reads what is printed.
func (m *Manager) goOn(ctx context.Context, f *logtail.Follower) error {
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Add(f.FD(), keyNews); err != nil {
		return err
	}
	for m.listenTo(w); ctx.Err() == nil; {
		more, err := f.Step()
		if err != nil || m.Console.Broken() {
			return err
		}
		if more {
			continue
		}
		keys, err := w.Wait(time.Time{})
		if err != nil || slices.Contains(keys, keyHangup) {
			return err
		}
	}
	return nil
}

// listenTo makes w wake up as well when the reader of what is printed goes away.
func (m *Manager) listenTo(w *pidfile.Waiter) {
	if fd := m.Console.fd; fd >= 0 {
		_ = w.AddHangup(fd, keyHangup) // without it the next line tells
	}
}
