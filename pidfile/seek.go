package pidfile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
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
//
// It is an error if descriptors are missing: who is not seen then may be a server.
func (rd *Reader) TakeCensus(known map[int]bool, users []uint32) (*Census, error) {
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	self := os.Getpid()
	pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == self || known[pid] })
	// Each is a few system calls that wait for nothing of the others, so goroutines share them.
	size := max(perCensus, len(pids)/Sharers()+1)
	parts := make([][]person, (len(pids)+size-1)/size)
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for n := range parts {
		all.Go(func() { parts[n], errs[n] = rd.meet(pids[n*size:min((n+1)*size, len(pids))], users) })
	}
	all.Wait()
	if err := cmp.Or(errs...); err != nil {
		return nil, fmt.Errorf("cannot see what runs: %w", err)
	}
	return &Census{slices.Concat(parts...), rd}, nil
}

// perCensus is how many processes are worth a goroutine.
const perCensus = 128

// meet looks at processes.
func (rd *Reader) meet(pids []int, users []uint32) ([]person, error) {
	var out []person
	for _, pid := range pids {
		owned, err := ownedBy(pid, users)
		var argv []string
		if owned {
			argv, err = rd.cmdline(pid)
		}
		if err := scarce(err); err != nil {
			return nil, err
		}
		if len(argv) > 0 {
			out = append(out, person{pid, argv})
		}
	}
	return out, nil
}

// ownedBy says whether the process pid has the real and the saved user id of some of
// these users, nil standing for all.
func ownedBy(pid int, users []uint32) (bool, error) {
	if users == nil {
		return true, nil
	}
	uids, err := statusUIDs(pid)
	return err == nil && !slices.ContainsFunc(uids, func(uid uint32) bool { return !slices.Contains(users, uid) }), err
}

// Servers gives for each identity the servers that it describes, by pid: of the
// processes of the census those that still are. What is no server of its own is
// left out: workers, whose parent is described as well, what is left of the
// workers of a server that has ended, and processes of other pid namespaces.
//
// It is for servers that no pidfile names. That none does is for the caller to
// find out afterwards: a pidfile may be written meanwhile.
//
// It is an error if descriptors are missing.
func (c *Census) Servers(ids []Identity) ([][]Sighting, error) {
	ix := index(ids)
	var o outlook
	defer o.close()
	found := make([][]Sighting, len(ids))
	for _, q := range c.people {
		for _, n := range ix.candidates(q.argv) {
			s, ok, err := sight(o.from(c.reader), ids[n], q)
			if err != nil {
				return nil, fmt.Errorf("cannot see whether pid %d is a server: %w", q.pid, err)
			}
			if ok {
				found[n] = append(found[n], s)
			}
		}
	}
	return found, nil
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

// sight looks closely at a process if id describes its command line.
func sight(v view, id Identity, q person) (Sighting, bool, error) {
	if !id.Matches(q.argv) {
		return Sighting{}, false, id.unread()
	}
	p, err := Open(q.pid)
	if err != nil {
		return Sighting{}, false, scarce(err)
	}
	defer p.Close()
	if is, err := p.serves(v, id); !is {
		return Sighting{}, false, scarce(err)
	}
	s := Sighting{PID: q.pid}
	s.Argv, _ = v.reader.cmdline(q.pid)
	s.UIDs, err = p.UIDs()
	return s, err == nil && !p.Exited(), scarce(err)
}
