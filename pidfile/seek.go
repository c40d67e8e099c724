package pidfile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Sighting is a server that was found by its command line alone, and not
// through a pidfile.
type Sighting struct {
	PID  int
	UIDs []uint32 // its real and its saved user id
	Argv []string
}

// A Census is what all processes showed as their command lines when it was taken.
type Census struct {
	people []person
	reader *Reader
}

type person struct {
	pid  int
	argv []string
}

// TakeCensus looks through all processes of these users, nil standing for all, once.
// Those that show no command line, as threads of the kernel do, are left out, and so
// are mgr itself and those that known has: whoever they are, their pidfiles name them.
//
// Of others nothing is read that takes the lock of their memory, mmap_lock: whoever
// can mount a file system of his own (FUSE) can hold it for ever, and the reader of
// his command line would not even get the signal that ends it.
func (rd *Reader) TakeCensus(known map[int]bool, users []uint32) (*Census, error) {
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	self := os.Getpid()
	pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == self || known[pid] })
	// Each is a few system calls that wait for nothing of the others, so goroutines share them.
	size := max(perCensus, len(pids)/runtime.GOMAXPROCS(0)+1)
	parts := make([][]person, (len(pids)+size-1)/size)
	var all sync.WaitGroup
	for n := range parts {
		all.Go(func() { parts[n] = rd.meet(pids[n*size:min((n+1)*size, len(pids))], users) })
	}
	all.Wait()
	return &Census{slices.Concat(parts...), rd}, nil
}

// perCensus is how many processes are worth a goroutine.
const perCensus = 128

// meet looks at processes.
func (rd *Reader) meet(pids []int, users []uint32) []person {
	var out []person
	for _, pid := range pids {
		if users != nil && !ownedBy(pid, users) {
			continue
		}
		if argv, err := rd.cmdline(pid); err == nil && len(argv) > 0 {
			out = append(out, person{pid, argv})
		}
	}
	return out
}

// ownedBy says whether the process pid has the real and the saved user id of some of
// these users.
func ownedBy(pid int, users []uint32) bool {
	uids, err := statusUIDs(pid)
	return err == nil && !slices.ContainsFunc(uids, func(uid uint32) bool { return !slices.Contains(users, uid) })
}

// Servers gives for each identity the servers that it describes, by pid: of the
// processes of the census those that still are. What is no server of its own is
// left out: workers, whose parent is described as well, what is left of the
// workers of a server that has ended, and processes of other pid namespaces.
//
// It is for servers that no pidfile names. That none does is for the caller to
// find out afterwards: a pidfile may be written meanwhile.
func (c *Census) Servers(ids []Identity) [][]Sighting {
	ix := index(ids)
	var o outlook
	defer o.close()
	found := make([][]Sighting, len(ids))
	for _, q := range c.people {
		for _, n := range ix.candidates(q.argv) {
			if !ids[n].Matches(q.argv) {
				continue
			}
			if s, ok := sight(o.from(c.reader), ids[n], q.pid); ok {
				found[n] = append(found[n], s)
			}
		}
	}
	return found
}

// processes gives the numbers of all processes, in order.
func processes() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	if _, here := slices.BinarySearch(pids, os.Getpid()); !here {
		return nil, errNoProc
	}
	return pids, nil
}

// errNoProc says that what stands at /proc shows nothing, or other processes.
var errNoProc = errors.New("/proc is not that of this pid namespace")

// An identityIndex finds the identities that may describe a command line by a
// word that has to be in it, so that thousands of servers and of processes need
// not all be compared.
type identityIndex struct {
	byWord map[string][]int
	any    []int // those that no word is known of
}

func index(ids []Identity) identityIndex {
	ix := identityIndex{byWord: map[string][]int{}}
	for n, id := range ids {
		words := id.words()
		if words == nil {
			ix.any = append(ix.any, n)
		}
		for _, word := range words {
			ix.byWord[word] = append(ix.byWord[word], n)
		}
	}
	return ix
}

// words are those of which one has to be in every command line that id
// describes; nil where that is not known.
func (id Identity) words() []string {
	if id.Match != nil || len(id.Args) == 0 {
		return nil
	}
	var words []string
	for _, args := range id.Args {
		if len(args) == 0 {
			return nil
		}
		words = append(words, sameWord(args[len(args)-1]))
	}
	return words
}

// sameWord is the same for two arguments that sameArg takes for one.
func sameWord(arg string) string {
	if filepath.IsAbs(arg) {
		return filepath.Clean(arg)
	}
	return arg
}

// candidates gives the identities that may describe argv, each once.
func (ix identityIndex) candidates(argv []string) []int {
	out := slices.Clone(ix.any)
	for _, arg := range argv {
		out = append(out, ix.byWord[sameWord(arg)]...)
	}
	if len(out) > len(ix.any) {
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// sight looks closely at a process whose command line id describes.
func sight(v view, id Identity, pid int) (Sighting, bool) {
	p, err := Open(pid)
	if err != nil {
		return Sighting{}, false
	}
	defer p.Close()
	if !p.serves(v, id) {
		return Sighting{}, false
	}
	s := Sighting{PID: pid}
	s.Argv, _ = v.reader.cmdline(pid)
	s.UIDs, err = p.UIDs()
	return s, err == nil && !p.Exited()
}

// Serves says whether the process is a server that id describes, by all that
// Census.Servers goes by.
func (p *Process) Serves(rd *Reader, id Identity) bool {
	var o outlook
	defer o.close()
	return p.serves(o.from(rd), id)
}

func (p *Process) serves(v view, id Identity) bool {
	if state, _ := p.verify(v, id, time.Time{}); state != Running {
		return false
	}
	argv, err := v.reader.cmdline(p.pid)
	if err != nil || !id.runs(argv, p.pid) {
		return false
	}
	st, err := stat(p.pid)
	return err == nil && !st.leftBehind(p.pid) && !p.Exited()
}

// leftBehind says whether the process pid can be what is left of the workers of a
// server that has ended: it leads neither group nor session, and init has adopted
// it or the leader of its group is gone. A server that was started in the
// background of a shell that is gone too looks the same, so it is not told from
// one.
func (s Stat) leftBehind(pid int) bool {
	if s.PGRP == pid || s.Session == pid {
		return false
	}
	if s.PPID == 1 {
		return true
	}
	if s.PGRP == 0 {
		return false // its leader is in a namespace above
	}
	leader, err := stat(s.PGRP)
	return err != nil || leader.exiting()
}

// runs says whether the process pid, whose command line is argv, runs the file
// that the command, or what interprets it, is: a title alone may be that of an
// editor or a pager that has the server's file open, if the pattern is a wide one.
func (id Identity) runs(argv []string, pid int) bool {
	if id.Match == nil || id.sameCommand(argv) || id.Uninstalled {
		return true
	}
	path := executable(pid)
	if path == "" {
		return true // it may not be seen
	}
	return path == id.Executable || id.names(path) || slices.Contains(id.Interpreters, filepath.Base(path))
}

// Adopt writes the pidfile name for the process pid, if that is a server which id
// describes. The caller holds the lock of name. The error is ErrGone if the process
// ends meanwhile, and nothing is left of the pidfile then. Its modification time is
// that of the start of the process: what the server has read is no newer.
func (d *Dir) Adopt(name string, pid int, id Identity) error {
	p, err := Open(pid)
	if err != nil {
		return err
	}
	defer p.Close()
	if !p.serves(d.view(), id) {
		return fmt.Errorf("pid %d, %s, is no server of this instance", pid, d.Reader.Describe(pid))
	}
	if uid := os.Geteuid(); uid != 0 { // root would not take the pidfile of somebody who may not signal it
		if state, err := p.verifyOwner(uint32(uid)); state != Running {
			return cmp.Or(err, fmt.Errorf("pid %d: %w", pid, ErrGone))
		}
	}
	if err := d.Write(name, pid); err != nil {
		return err
	}
	if born, ok := p.Born(); ok {
		if err := d.Touch(name, pid, born); err != nil {
			return errors.Join(err, d.Remove(name, pid))
		}
	}
	if p.Exited() {
		return errors.Join(fmt.Errorf("pid %d: %w", pid, ErrGone), d.Remove(name, pid))
	}
	return nil
}
