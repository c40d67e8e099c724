package pidfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// looks is how often, a millisecond apart, a command line that reads empty is
// looked at again: it is so while execve(2) is under way, for a fraction of a
// millisecond, but a busy machine may not let the process go on.
const looks = 200

// verify says whether the process is what id describes: Running, Dead, Foreign
// or Unknown, and why it is not Running. written is when its pidfile was. Whatever
// is read by number is of this process if that is seen alive, or at least not
// reaped, afterwards.
func (p *Process) verify(v view, id Identity, written time.Time) (State, error) {
	for range looks {
		argv, err := v.reader.cmdline(p.pid)
		f, err2 := p.facts(v)
		matches, older := id.Matches(argv), false
		if !matches && err == nil {
			older, err = p.elder(id, written)
		}
		switch {
		case (!f.Sure || len(argv) == 0) && p.Exited(): // what was read may be a successor's
			return Dead, nil
		case err2 != nil:
			return Unknown, fmt.Errorf("cannot see pid %d: %w", p.pid, p.hidden(err2))
		case err != nil:
			return Unknown, fmt.Errorf("cannot see what pid %d runs: %w", p.pid, p.hidden(err))
		case len(argv) == 0:
			if st, err := stat(p.pid); err == nil && st.kernel() && !p.Exited() {
				return Foreign, &ForeignError{PID: p.pid, Argv: []string{"[" + st.Comm + "]"}}
			}
			p.Await(time.Now().Add(time.Millisecond))
		case !matches && !(older && id.mayBeEdited(argv)):
			if former, is := id.reinterpreted(argv); is && older {
				id = former
				continue
			}
			same := id.sameCommand(argv)
			return Foreign, &ForeignError{PID: p.pid, Argv: argv, Same: same, Titled: !same && older && p.titled(id, argv)}
		case f.Nested:
			return Foreign, &ForeignError{PID: p.pid, Argv: argv, Nested: true}
		default:
			return p.verifyLeader(v, id, f.PPID, argv)
		}
	}
	return Unknown, fmt.Errorf("pid %d shows no command line", p.pid)
}

// hidden is err, or what that means of a process that is there: where /proc is mounted
// with hidepid, proc(5), it has no directory of other users' processes.
func (p *Process) hidden(err error) error {
	if !errors.Is(err, fs.ErrNotExist) || p.Exited() {
		return err
	}
	return errors.New("/proc hides it from this user (hidepid, see proc(5)): run mgr as root")
}

// elder says of a process that does not look like the server whether it is olderThan the
// pidfile: then it may be the server all the same. The error says that there are too few
// descriptors to tell that, or what the server looks like.
func (p *Process) elder(id Identity, written time.Time) (bool, error) {
	if err := id.unread(); err != nil {
		return false, err
	}
	st, err := stat(p.pid)
	return err == nil && st.olderThan(written), scarce(err)
}

// titled says whether the process, which is older than the pidfile, runs the server's
// command under a title that it has given itself: it is the server, or a part of it. A
// title is written over all arguments, so it shows as one. With more, the same file
// may well be another program, under another name.
func (p *Process) titled(id Identity, argv []string) bool {
	if len(argv) != 1 {
		return false
	}
	path := executable(p.pid)
	return path != "" && id.names(path)
}

// olderThan says whether the process was started before a pidfile that names it was
// written: whoever got the number of a server that is gone is younger. A pidfile that
// was written at a time that is yet to come tells that the clock was set back since, and
// nothing of who is older.
func (s Stat) olderThan(written time.Time) bool {
	age, ok := s.age()
	now, latest := time.Now(), written.Add(startTick)
	return ok && !now.Add(-age).After(latest) && !written.After(now.Add(startTick))
}

// age is how long ago the process was started.
func (s Stat) age() (time.Duration, bool) {
	now := SinceBoot()
	return now - s.started(), now != 0
}

// started is when the process was started, after boot.
func (s Stat) started() time.Duration { return time.Duration(s.Start) * startTick }

// SinceBoot is the time by the clock of the start times in /proc/PID/stat: how long ago
// the machine was booted, CLOCK_BOOTTIME. Unlike Go's monotonic clock it goes on while the
// machine is suspended. 0 if it cannot be told.
func SinceBoot() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano())
}

// Age is how long ago the process was started, as long as it is there.
func (p *Process) Age() (time.Duration, bool) {
	st, err := stat(p.pid)
	if err != nil || p.Exited() {
		return 0, false
	}
	return st.age()
}

// userHZ is how many ticks of /proc/PID/stat a second has, sysconf(3)
// _SC_CLK_TCK, the same on all of Linux's 64-bit machines; a start time is only
// that exact.
const (
	userHZ    = 100
	startTick = time.Second / userHZ
)

// verifyLeader tells a server from one of its workers, which show the same
// command line: its parent, ppid when last seen, tells. A child of init stays one.
// A pattern may match what started the server as well, so with one a session's
// leader is taken for nobody's worker. argv is what the process shows, for one whose
// arguments have been edited: those of its parent have been as well.
func (p *Process) verifyLeader(v view, id Identity, ppid int, argv []string) (State, error) {
	if ppid <= 1 || id.Successors {
		return Running, nil
	}
	edited := !id.Matches(argv)
	if id.Match != nil {
		if sid, err := unix.Getsid(p.pid); err == nil && sid == p.pid && !p.Exited() {
			return Running, nil
		}
	}
	for range looks {
		parent, unseen := v.reader.cmdline(ppid)
		again, err := p.facts(v)
		switch {
		case !again.Sure && p.Exited():
			return Dead, nil
		case err != nil:
			return Unknown, fmt.Errorf("cannot see whose child pid %d is: %w", p.pid, err)
		case ppid != again.PPID: // the parent has ended: what was read may be a successor's
			if ppid = again.PPID; ppid <= 1 {
				return Running, nil
			}
			continue
		case Blocked(unseen), scarce(unseen) != nil: // it may be the server
			return Unknown, fmt.Errorf("cannot see whose child pid %d is: %w", p.pid, unseen)
		case len(parent) > 0 && (id.Matches(parent) || edited && (slices.Equal(parent, argv) || id.tells(parent))):
			return Foreign, &ForeignError{PID: p.pid, Worker: ppid, Argv: parent}
		}
		return Running, nil
	}
	return Unknown, fmt.Errorf("pid %d changes its parent all the time", p.pid)
}

// verifyOwner says whether the user uid could signal the process, kill(2).
func (p *Process) verifyOwner(uid uint32) (State, error) {
	uids, err := p.UIDs()
	switch {
	case p.Exited():
		return Dead, nil
	case err != nil:
		return Unknown, fmt.Errorf("cannot see whose pid %d is: %w", p.pid, err)
	case slices.Contains(uids, uid):
		return Running, nil
	}
	return Unknown, fmt.Errorf("the pidfile belongs to uid %d, who may not signal pid %d of uid %d", uid, p.pid, uids[0])
}

// A ForeignError says what runs under a pid that was expected to be a server.
type ForeignError struct {
	PID    int
	Argv   []string // its command line
	Worker int      // the pid of the server that it is only a worker of, or 0
	// Same says that it runs the server's command, though not with its conf.
	Same bool
	// Titled says that it runs the server's command under a title of its own, and is
	// older than the pidfile.
	Titled bool
	// Nested says that it is the server of a container: it looks alike, but
	// lives in a pid namespace below ours.
	Nested bool
}

func (e *ForeignError) Error() string {
	switch {
	case e.Worker != 0:
		return fmt.Sprintf("pid %d is only a worker of pid %d", e.PID, e.Worker)
	case e.Nested:
		return fmt.Sprintf("pid %d is a server in another pid namespace: %q", e.PID, strings.Join(e.Argv, " "))
	case e.Same:
		return fmt.Sprintf("pid %d runs the same command for something else: %q", e.PID, strings.Join(e.Argv, " "))
	}
	if e.Titled {
		return fmt.Sprintf("pid %d runs the same command and calls itself %q", e.PID, strings.Join(e.Argv, " "))
	}
	return fmt.Sprintf("pid %d is now %q", e.PID, e.Argv[0])
}
