package pidfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Reader reads what the kernel gives of a process only with the lock of its
// memory, mmap_lock, or with the help of the file system that its program is on:
// /proc/PID/cmdline, environ, maps, smaps, mem, and the file behind exe. Whoever can
// mount a file system of his own (FUSE) can have a process of his hold that lock for
// ever, and who reads is then in the kernel until he is killed: only SIGKILL ends
// mmap_read_lock_killable. What stat, status, statm, limits, wchan and fd tell, and
// where the links exe and ns lead, the kernel gives without.
//
// So a Reader reads in goroutines of its own. One that does not come back costs a
// thread as long as the process hangs, or mgr runs; the error is a *BlockedError,
// at once if the same was tried before. The zero value is ready for use, by
// several goroutines at once; nil reads by itself, and so may never come back.
type Reader struct {
	// Patience is how long all that cannot be read of one user's processes is waited
	// for. What else of his does not come at once gets an eighth of that for each.
	// The more users it is, the less each gets: one may have many ids, subuid(5).
	// Zero: 2 seconds.
	Patience time.Duration

	mu      sync.Mutex
	idle    []chan func() // goroutines that wait for something to read
	blocked map[string]*blockedRead
	spent   map[uint32]time.Duration
	search  time.Duration // spent on SocketHolders
	// interrupt and hurried are hurry.go's.
	interrupt <-chan struct{}
	hurried   time.Duration
}

// A BlockedError says that a process cannot be looked at, since whoever tries waits
// for a lock that it holds.
type BlockedError struct {
	PID   int
	Path  string
	Since time.Time // when reading it began; zero: so many others are blocked that it was not tried
	// Interrupted says that there was no time to try, since the caller is to end.
	Interrupted bool
}

func (e *BlockedError) Error() string {
	switch {
	case e.Interrupted:
		return fmt.Sprintf("%s is not read any more: interrupted while others were waited for", e.Path)
	case e.Since.IsZero():
		return fmt.Sprintf("%s is not read: too many reads of its user's processes, or of all users', wait already", e.Path)
	}
	return fmt.Sprintf("%s cannot be read: who tries has been waiting since %s", e.Path, e.Since.Format(time.DateTime))
}

// A blockedRead is one that was left behind, and has not come back.
type blockedRead struct {
	err *BlockedError
	uid uint32
}

const (
	defaultPatience = 2 * time.Second
	// nextPatience is the part of Patience that whoever has used it up gets for each
	// further read.
	nextPatience = 8
	// allPatience is how many times Patience is spent on all users together. Then
	// each read gets an eighth of what the next one of a user gets otherwise.
	allPatience = 4
	// maxBlocked is how many reads of one user's processes may be left behind: each
	// has a thread, of which Go ends a program that has 10,000.
	maxBlocked = 64
	// maxBlockedInAll is how many of all users' may be. From then on nothing is read
	// but of root's processes and the caller's own, which are no stranger's doing.
	maxBlockedInAll = 512
)

// Glances is how long a caller without a Reader is to be waited for.
func (rd *Reader) Glances() time.Duration { return rd.patience() / nextPatience }

func (rd *Reader) patience() time.Duration {
	if rd == nil {
		return defaultPatience
	}
	return cmp.Or(rd.Patience, defaultPatience)
}

// searchTime is what is left of the patience with searches.
func (rd *Reader) searchTime() time.Duration {
	if rd == nil {
		return defaultPatience
	}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return rd.patience() - rd.search
}

func (rd *Reader) searched(took time.Duration) {
	if rd == nil {
		return
	}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.search += took
}

// within has read read the file name of the process pid. With an error read may
// still be under way, and what it gives must not be looked at.
func (rd *Reader) within(pid int, name string, read func()) error {
	if rd == nil {
		read()
		return nil
	}
	p, lane, err := rd.begin(pid, name)
	if err != nil {
		return err
	}
	began, done := time.Now(), make(chan struct{})
	lane <- func() { read(); close(done) }
	if !p.await(done) {
		return rd.leave(pid, name, began, done, lane)
	}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.idle = append(rd.idle, lane)
	return nil
}

// begin says how long to wait for a read, and gives who is to do it.
func (rd *Reader) begin(pid int, name string) (pause, chan func(), error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	wait := rd.patience()
	if len(rd.spent) > 0 { // something was blocked: from now on it matters whose a process is
		var err error
		if wait, err = rd.left(pid, name); err != nil {
			return pause{}, nil, err
		}
	}
	p := rd.pause(wait)
	if last := len(rd.idle) - 1; last >= 0 {
		lane := rd.idle[last]
		rd.idle = rd.idle[:last]
		return p, lane, nil
	}
	lane := make(chan func(), 1) // so that nobody waits for one that was left behind
	go func() {                  // for it may never come back
		for read := range lane {
			read()
		}
	}()
	return p, lane, nil
}

// left is what is left of the patience with the owner of the process pid.
func (rd *Reader) left(pid int, name string) (time.Duration, error) {
	path := procPath(pid, name)
	if b := rd.blocked[path]; b != nil {
		return 0, b.err
	}
	uid := realUID(pid)
	behind := 0
	for _, b := range rd.blocked {
		if b.uid == uid {
			behind++
		}
	}
	own := uid == 0 || uid == uint32(os.Getuid())
	if behind >= maxBlocked || len(rd.blocked) >= maxBlockedInAll && !own {
		return 0, &BlockedError{PID: pid, Path: path}
	}
	if rd.gaveUp(behind, own) {
		return 0, &BlockedError{PID: pid, Path: path, Interrupted: true}
	}
	return rd.allowance(uid), nil
}

// allowance is how long a read of one of this user's processes is waited for.
func (rd *Reader) allowance(uid uint32) time.Duration {
	var all time.Duration
	for _, spent := range rd.spent {
		all += spent
	}
	others, least := all-rd.spent[uid], rd.Glances()
	if all >= allPatience*rd.patience() {
		least /= nextPatience
	}
	return max(rd.patience()-rd.spent[uid]-others/allPatience, least)
}

// realUID is the real user id of the process pid. Who owns its directory in /proc
// says little: he can have it be root's, prctl(2) PR_SET_DUMPABLE.
func realUID(pid int) uint32 {
	uids, err := statusUIDs(pid)
	if err != nil {
		return math.MaxUint32 // nobody's: it has ended, or is not shown
	}
	return uids[0]
}

// leave takes down that a read has not come back.
func (rd *Reader) leave(pid int, name string, began time.Time, done chan struct{}, lane chan func()) error {
	uid := realUID(pid)
	path := procPath(pid, name)
	b := &blockedRead{&BlockedError{PID: pid, Path: path, Since: began}, uid}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if rd.blocked == nil {
		rd.blocked, rd.spent = map[string]*blockedRead{}, map[uint32]time.Duration{}
	}
	rd.blocked[path] = b
	rd.spent[uid] += time.Since(began)
	if rd.hurries() {
		rd.hurried += time.Since(began)
	}
	go func() { // to try again once it has come back
		<-done
		rd.mu.Lock()
		defer rd.mu.Unlock()
		delete(rd.blocked, path)
		rd.idle = append(rd.idle, lane)
	}()
	return b.err
}

// cmdline reads the arguments of the process pid, see there.
func (rd *Reader) cmdline(pid int) (argv []string, err error) {
	if rd == nil {
		return cmdline(pid)
	}
	var read []string
	var failed error
	if err := rd.within(pid, "cmdline", func() { read, failed = cmdline(pid) }); err != nil {
		return nil, err
	}
	return read, failed
}

// read reads a file of the process pid.
func (rd *Reader) read(pid int, name string) ([]byte, error) {
	var raw []byte
	var failed error
	if err := rd.within(pid, name, func() { raw, failed = readProc(procPath(pid, name), make([]byte, procBuffer)) }); err != nil {
		return nil, err
	}
	return raw, failed
}

// Program gives the file that the process pid runs, not just its name.
func (rd *Reader) Program(pid int) (unix.Stat_t, error) {
	link := procPath(pid, "exe")
	st, failed := new(unix.Stat_t), error(nil)
	err := rd.within(pid, "exe", func() {
		if err := unix.Stat(link, st); err != nil { // of the file itself, proc_pid_exe(5)
			failed = &os.PathError{Op: "stat", Path: link, Err: err}
		}
	})
	if err != nil {
		return unix.Stat_t{}, err
	}
	return *st, failed
}

// Blocked says whether err is about a process that cannot be looked at.
func Blocked(err error) bool {
	var be *BlockedError
	return errors.As(err, &be)
}
