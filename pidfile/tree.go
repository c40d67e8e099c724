package pidfile

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// A Tree is a snapshot of the parents, groups and sessions of all processes.
type Tree struct {
	stats    map[int]Stat
	children map[int][]int
	led      map[int][]int // by leader: the other members of its group and its session, in order
}

// ReadTree takes the snapshot from /proc. Processes that end while it is taken
// are left out. It is an error if descriptors are missing.
func ReadTree() (*Tree, error) {
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	return treeOf(pids)
}

// treeOf is ReadTree for these processes.
func treeOf(pids []int) (*Tree, error) {
	t := &Tree{stats: map[int]Stat{}, children: map[int][]int{}, led: map[int][]int{}}
	for _, pid := range pids {
		st, err := stat(pid)
		if scarce(err) != nil {
			return nil, err
		}
		if err == nil && !st.exited() {
			t.stats[pid] = st
			t.children[st.PPID] = append(t.children[st.PPID], pid)
		}
	}
	for _, pid := range t.pids() {
		t.index(pid, t.stats[pid])
	}
	return t, nil
}

// Has says whether the process pid was there, and had not ended.
func (t *Tree) Has(pid int) bool {
	_, is := t.stats[pid]
	return is
}

// index notes whose group and session the process pid is in.
func (t *Tree) index(pid int, st Stat) {
	if st.PGRP != pid {
		t.led[st.PGRP] = append(t.led[st.PGRP], pid)
	}
	if st.Session != pid && st.Session != st.PGRP {
		t.led[st.Session] = append(t.led[st.Session], pid)
	}
}

// Children gives a handle on every child of p. The caller closes them. The error says
// which cannot be opened, for want of descriptors say.
func (t *Tree) Children(p *Process) ([]*Process, error) {
	f := relatives{seen: map[int]bool{}}
	for _, pid := range t.children[p.pid] {
		f.add(pid, p, func(st Stat) bool { return st.PPID == p.pid })
	}
	return f.open, f.err
}

// Family gives a handle on every descendant of p, whatever its group or
// session, and on every other member of the group and the session that p
// leads. p itself is not among them. The caller closes them. The error says which
// cannot be opened, for want of descriptors say; theirs are not looked for then.
//
// A number says who belongs to whom only while the process of that number is
// alive. So each member is taken through a living relative: its parent, whose
// handle is open too, or the leader p. Once p has ended, nothing is found by
// its group any more; see SIGSTOP in package manager for how that is avoided.
func (t *Tree) Family(p *Process) ([]*Process, error) {
	f := relatives{seen: map[int]bool{p.pid: true, os.Getpid(): true}}
	led := func(st Stat) bool { return st.PGRP == p.pid || st.Session == p.pid }
	for _, pid := range t.led[p.pid] {
		f.add(pid, p, led)
	}
	for n := -1; n < len(f.open); n++ {
		parent := p
		if n >= 0 {
			parent = f.open[n]
		}
		for _, pid := range t.children[parent.pid] {
			f.add(pid, parent, func(st Stat) bool { return st.PPID == parent.pid })
		}
	}
	return f.open, f.err
}

// FamilySize is how many handles Family would give, as far as the snapshot tells.
func (t *Tree) FamilySize(p *Process) int {
	in := map[int]bool{p.pid: true}
	next := slices.Concat(t.led[p.pid], t.children[p.pid])
	for len(next) > 0 {
		pid := next[0]
		next = next[1:]
		if !in[pid] {
			in[pid] = true
			next = append(next, t.children[pid]...)
		}
	}
	return len(in) - 1
}

// Led is how many handles Left would give at the most.
func (t *Tree) Led(pid int) int { return len(t.led[pid]) }

// relatives are handles on those who belong to a process.
type relatives struct {
	open []*Process
	seen map[int]bool // who is not to be opened, or not again
	err  error        // why some of them are not open, though they may be there
}

// add opens the process pid, if it is related to relative still.
func (f *relatives) add(pid int, relative *Process, related func(Stat) bool) {
	if f.seen[pid] {
		return
	}
	q, err := openRelated(pid, relative, related)
	f.err = cmp.Or(f.err, err)
	if q == nil {
		return
	}
	f.open = append(f.open, q)
	f.seen[pid] = true
}

// InGroup says whether q is in the process group that p leads, or, if p leads
// none, q belongs to p anyhow.
func InGroup(q, p *Process) bool {
	leader, err := stat(p.pid)
	if err != nil || leader.PGRP != p.pid {
		return err == nil
	}
	st, err := stat(q.pid)
	return err == nil && st.PGRP == p.pid
}

// openRelated opens the process pid if it is related to relative still, nil if not:
// what related sees in its stat is true of these two processes only if both are seen
// alive after it was read.
func openRelated(pid int, relative *Process, related func(Stat) bool) (*Process, error) {
	q, err := Open(pid)
	if errors.Is(err, ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := stat(pid)
	if err == nil && related(st) && !q.Exited() && !relative.Exited() {
		return q, nil
	}
	if q.Exited() {
		err = nil
	}
	q.Close()
	return nil, err
}

// Exiting says whether the process is on its way out or gone: in do_exit, where
// its descriptors are closed before its end can be waited for.
func (p *Process) Exiting() bool { return Ending(p.pid) || p.Exited() }

// Ending is Exiting for a number: it is for names that a process gives up with its
// end, never for who it is. Of one that cannot be looked at for want of descriptors it
// says no.
func Ending(pid int) bool {
	st, err := stat(pid)
	return err != nil && scarce(err) == nil || st.exiting()
}

// Await waits until the process has ended, or until the deadline.
func (p *Process) Await(deadline time.Time) {
	_, _ = uninterrupted(func() (int, error) {
		return unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, timeout(deadline))
	})
}

// StateOf gives the state letter of the process pid, proc_pid_stat(5), or "?".
func StateOf(pid int) string {
	st, err := stat(pid)
	if err != nil {
		return "?"
	}
	return string(st.State)
}
