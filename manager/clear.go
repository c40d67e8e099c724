package manager

import (
	"fmt"
	"strings"

	"mgr/pidfile"
	"mgr/server"
)

// clear makes way for the pidfile of a new server.
func (s *starting) clear(i *server.Instance, f pidfile.Finding) error {
	m := s.m
	switch f.State {
	case pidfile.Stopped:
		return nil
	case pidfile.Dead:
		m.noteStale(i)
		if !m.foretold(i) { // or it still runs, and has workers
			if err := s.mentionLeft(i, f.Record); err != nil {
				return fmt.Errorf("pidfile %q: what pid %d left behind cannot be looked for: %w", i.Pidfile, f.Record.PID, err)
			}
		}
	case pidfile.Foreign:
		if i.Stray(f) {
			return fmt.Errorf("%w, and no other pidfile names it: pidfile %q kept", f.Err, i.Pidfile)
		}
		m.warn(i, "%s: %s: %s pidfile %q", i, m.holder(f), m.tense("replacing", "would replace"), i.Pidfile)
	case pidfile.Malformed:
		if err := m.unnamed(i, f); err != nil {
			return err
		}
		return m.removeJunk(i, f)
	}
	return m.removePidfile(i, f.Record.PID)
}

// mentionLeft tells of workers that the server before left behind: those of a
// graceful stop finish what they do, those of a crash may hold the port.
func (s *starting) mentionLeft(i *server.Instance, rec pidfile.Record) error {
	left, err := s.remains.Of(i, rec)
	unsure := pidfile.Blocked(err) || err != nil && len(left) > 0
	if len(left) == 0 && !unsure {
		return err
	}
	var pids []string
	for _, p := range left {
		pids = append(pids, itoa(p.PID()))
		p.Close()
	}
	if unsure { // whoever can have a process hang, or makes many, keeps no server from being started
		s.m.warn(i, "%s (%s): whether a worker of the dead pid %d still runs cannot be told: %v", i, subject(i), rec.PID, err)
	}
	if len(pids) > 0 {
		s.m.warn(i, "%s (%s): workers of the dead pid %d still run: %s", i, subject(i), rec.PID, strings.Join(pids, " "))
		s.m.Console.Hint("if they hold its port it cannot start: stop, or restart, ends them")
	}
	if !s.m.Options.DryRun && !s.m.Options.Compat {
		s.left[i] = rec
	}
	return nil
}

// restore puts back the pidfile of a dead server whose workers still run, if no
// new server has come of the start: nothing else leads to them.
func (s *starting) restore(i *server.Instance) {
	rec, is := s.left[i]
	if !is {
		return
	}
	if err := i.Restore(rec); err != nil {
		s.m.warn(i, "%s (%s): the pidfile that led to the workers of the dead pid %d could not be put back: %v", i, subject(i), rec.PID, err)
		s.m.Console.Hint("no stop will find them")
		return
	}
	s.m.did(i, "start", pidfile.Dead, rec.PID)
}

// keep tells of workers that a server has left behind which has died at its start, and
// says whether its pidfile stays, since it leads to them, or may.
func (s *starting) keep(c *server.Child) bool {
	i := c.Instance
	if c.Failure != "" || s.fine(c) {
		return false
	}
	f := i.Inspect()
	f.Process.Close()
	if pidfile.Scarce(f.Err) {
		return s.unlooked(i, c.Process.PID(), f.Err)
	}
	if f.State != pidfile.Dead || f.Record.PID != c.Process.PID() {
		return false
	}
	before := s.left[i].PID
	if err := s.mentionLeft(i, f.Record); err != nil {
		return s.unlooked(i, f.Record.PID, err)
	}
	if s.left[i].PID != f.Record.PID {
		return false
	}
	if before != 0 { // the pidfile has room for one
		s.m.warn(i, "%s (%s): the pidfile leads to those, and to the workers of the dead pid %d no longer: end them by hand", i, subject(i), before)
	}
	return true
}

// unlooked tells that nobody can see what the dead pid left behind, and says that the
// pidfile stays.
func (s *starting) unlooked(i *server.Instance, pid int, err error) bool {
	s.m.warn(i, "%s (%s): what pid %d left behind cannot be looked for: %v: pidfile %q kept", i, subject(i), pid, err, i.Pidfile)
	return true
}
