package pidfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MatchingEach gives for each identity a handle on every process that it describes, in
// the order of pids: the server, its workers with the same command line, and copies of it
// that no pidfile names. All processes are asked once. The caller closes the handles. The
// error says that there are too few descriptors for all.
func (t *Tree) MatchingEach(rd *Reader, ids []Identity) ([][]*Process, error) {
	ix := index(ids)
	found := make([][]*Process, len(ids))
	var unseen error
	for _, pid := range t.pids() {
		argv, err := rd.cmdline(pid)
		if err != nil {
			unseen = cmp.Or(unseen, scarce(err))
			continue
		}
		for _, n := range ix.candidates(argv) {
			if !ids[n].Matches(argv) {
				unseen = cmp.Or(unseen, ids[n].unread())
				continue
			}
			p, err := openMatching(rd, pid, ids[n].Matches, nil)
			if unseen = cmp.Or(unseen, err); p != nil {
				found[n] = append(found[n], p)
			}
		}
	}
	return found, unseen
}

// Left gives a handle on what is left of the group and the session that the
// process pid led before it ended, as far as id describes it: the workers of a
// server that died. The kernel gives the number to nobody else as long as a
// member is there (kernel/pid.c), but that the members are this server's is
// for their command lines to say. As root it takes a pidfile that another user
// owns for what that user could signal himself. The caller closes them. The error is
// about a member of which nobody can tell whether it is such a worker: a *BlockedError, or
// too few descriptors.
func (t *Tree) Left(rd *Reader, rec Record, id Identity) ([]*Process, error) {
	pid := rec.PID
	if _, alive := t.stats[pid]; alive || pid < 2 {
		return nil, nil
	}
	var unseen error
	led := func(st Stat) bool { return st.PGRP == pid || st.Session == pid }
	var out []*Process
	for _, member := range t.led[pid] {
		describes := func(argv []string) bool {
			return id.Matches(argv) || id.Executable != "" && executable(member) == id.Executable
		}
		argv, err := rd.cmdline(member)
		if Blocked(err) && !Ending(member) || scarce(err) != nil {
			unseen = cmp.Or(unseen, fmt.Errorf("cannot see what pid %d runs: %w", member, err))
		}
		if err != nil || !describes(argv) {
			unseen = cmp.Or(unseen, id.unread())
			continue
		}
		p, err := openMatching(rd, member, describes, led)
		unseen = cmp.Or(unseen, err)
		if p != nil && rec.UID != 0 && os.Geteuid() == 0 {
			if state, _ := p.verifyOwner(rec.UID); state != Running {
				p.Close()
				p = nil
			}
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out, unseen
}

// Orphans gives a handle on every process that id describes, that init has
// adopted, and that leads neither group nor session: what is left of the workers
// of a server that has ended, whatever group it was in. The caller closes them.
// The error says that there are too few descriptors for all.
func (t *Tree) Orphans(rd *Reader, id Identity) ([]*Process, error) {
	var out []*Process
	var unseen error
	for _, pid := range t.children[1] {
		orphan := func(st Stat) bool { return st.PPID == 1 && st.PGRP != pid && st.Session != pid }
		if !orphan(t.stats[pid]) {
			continue
		}
		argv, err := rd.cmdline(pid)
		if err != nil || !id.Matches(argv) {
			unseen = cmp.Or(unseen, scarce(err), id.unread())
			continue
		}
		p, err := openMatching(rd, pid, id.Matches, orphan)
		if unseen = cmp.Or(unseen, err); p != nil {
			out = append(out, p)
		}
	}
	return out, unseen
}

// Seen says whether there can be a server that id describes and that was started
// since then, as SinceBoot tells the time: whether any process is like it, or runs its
// file, or does not show what it is.
func (t *Tree) Seen(rd *Reader, id Identity, since time.Duration) bool {
	earliest := since - 2*startTick
	for pid, st := range t.stats {
		if st.kernel() || st.started() < earliest {
			continue
		}
		argv, err := rd.cmdline(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH): // it has ended since
		case err != nil, len(argv) == 0, id.Matches(argv), id.unread() != nil, id.Executable != "" && executable(pid) == id.Executable:
			return true
		}
	}
	return false
}

func (t *Tree) pids() []int {
	pids := make([]int, 0, len(t.stats))
	for pid := range t.stats {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// executable is the file that the process pid runs, "" if that cannot be seen: of
// one that was replaced since, what it was called.
func executable(pid int) string {
	path, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

// openMatching opens the process pid if its command line is as described, and
// its stat as wanted, nil standing for any. What the caller has seen of it, before the
// handle was there, may have been another's. The error says that there are too few
// descriptors.
func openMatching(rd *Reader, pid int, describes func(argv []string) bool, wanted func(Stat) bool) (*Process, error) {
	p, err := Open(pid)
	if err != nil {
		return nil, scarce(err)
	}
	matches, err := p.matches(rd, describes, wanted)
	if !matches || p.Exited() {
		p.Close()
		return nil, scarce(err)
	}
	return p, nil
}

// matches is what openMatching asks of an open process.
func (p *Process) matches(rd *Reader, describes func(argv []string) bool, wanted func(Stat) bool) (bool, error) {
	if f, err := p.facts(view{}); err != nil || f.Nested {
		return false, err
	}
	if argv, err := rd.cmdline(p.pid); err != nil || !describes(argv) {
		return false, err
	}
	if wanted == nil {
		return true, nil
	}
	st, err := stat(p.pid)
	return err == nil && wanted(st), err
}

// Scarce says whether err is for want of descriptors.
func Scarce(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// scarce is the error, if it is for want of descriptors: other errors mostly tell that a
// process has ended.
func scarce(err error) error {
	if Scarce(err) {
		return err
	}
	return nil
}

// Predecessor gives the parent of p if that is described as well: a server that
// has made a successor, p, and has not ended yet. 0 if it has none.
func (p *Process) Predecessor(rd *Reader, id Identity) int {
	parent, err := Parent(p.pid)
	if err != nil || parent <= 1 {
		return 0
	}
	argv, err := rd.cmdline(parent)
	if again, err2 := Parent(p.pid); err != nil || err2 != nil || again != parent || p.Exited() || !id.Matches(argv) {
		return 0
	}
	return parent
}

// Parent gives the parent of the process pid.
func Parent(pid int) (int, error) {
	st, err := stat(pid)
	return st.PPID, err
}

// UID gives the effective user of the process pid: the owner of its directory
// in /proc, proc(5).
func UID(pid int) (uint32, error) {
	var st unix.Stat_t
	path := "/proc/" + strconv.Itoa(pid)
	if err := unix.Stat(path, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Uid, nil
}
