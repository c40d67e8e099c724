package server

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// StageEnv is the environment variable that makes a fresh mgr a stage: what
// stands between mgr and a server. The stage runs in the process that will be
// the server, in a session of its own and under the server's command line: it
// takes on the server's limits and credentials, writes the pidfile and becomes
// the server by execve(2). So the pidfile is there, whole, before the server's
// first instruction, and whoever reads it finds a process that answers to it.
const StageEnv = "MGR_STAGE"

// procsEnv tells Go's runtime how many processors to use. A stage gets by with
// one: the threads for the others take longer to start than its work takes. What
// the server is to have there, if anything, the stage is told apart.
const procsEnv = "GOMAXPROCS"

// The stage's descriptors beyond 0, 1 and 2. All are closed by the exec.
const (
	reportFD = 3 // where it says what went wrong; closed without a word: the exec worked
	dirFD    = 4 // the directory that the pidfile is below
	lockFD   = 5 // the lock file: the instance stays locked until the exec, even without mgr
)

// A stage is what the stage is to do.
type stage struct {
	Path    string // of the command
	Pidfile string // below dirFD; empty: none is written
	Dir     string // the path that dirFD was opened at
	Umask   int
	Chdir   string
	Nice    *int // nil: as it is
	Limits  []stageLimit
	Logs    []stageLog
	Creds   *credentials // nil: stay who we are
	Procs   string       // the server's pair of procsEnv; empty: it has none
}

type stageLimit struct {
	Name     string // for messages
	Resource int
	Value    uint64
	Exactly  bool // lower a higher hard limit too
	AtLeast  bool // leave a higher soft limit as it is
}

type credentials struct {
	UID, GID int
	Groups   []int
}

// Stage is the main function of a stage. It returns only if it failed, with the
// exit status; what failed has been reported to mgr.
func Stage(text string) int {
	var s stage
	if err := s.unpack(text); err != nil {
		fmt.Fprintf(os.Stderr, "mgr: $%s is for mgr's own use: unset it\n", StageEnv)
		return 2
	}
	report := os.NewFile(reportFD, "report")
	closeOnExec()
	fmt.Fprintf(report, "F%v\n", s.run(report))
	return 127
}

// closeOnExec keeps every descriptor but the first three from the server:
// close_range(2), and one by one before Linux 5.11.
func closeOnExec() {
	if unix.CloseRange(3, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil || lim.Max > 1<<20 {
		lim.Max = 1 << 20
	}
	for fd := 3; fd < int(lim.Max); fd++ {
		unix.CloseOnExec(fd)
	}
}

func (s *stage) run(report *os.File) error {
	if s.ofThread() {
		runtime.LockOSThread()
	}
	unix.Umask(s.Umask)
	if err := unix.Chdir(s.Chdir); err != nil {
		return fmt.Errorf("chdir %q: %w", s.Chdir, err)
	}
	if s.Nice != nil {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, *s.Nice); err != nil {
			return fmt.Errorf("nice %d: %w", *s.Nice, err)
		}
	}
	for _, l := range s.Limits {
		if max, err := l.set(); err != nil {
			fmt.Fprintf(report, "W%s %d %d %v\n", l.Name, l.Value, max, err)
		}
	}
	if err := s.openLogs(report); err != nil {
		return err
	}
	if len(s.Pidfile) == 0 {
		return s.become()
	}
	dir := pidfile.DirFromFile(os.NewFile(dirFD, s.Dir))
	if err := dir.Write(s.Pidfile, os.Getpid()); err != nil {
		return fmt.Errorf("pidfile: %w", err)
	}
	err := s.stillThere(dir)
	if err == nil {
		err = s.become()
	}
	_ = dir.Remove(s.Pidfile, os.Getpid())
	return err
}

// ofThread says whether some of what the stage does is about its thread alone:
// niceness, credentials, the mask of signals. Otherwise it need not keep to one,
// which would cost Go's runtime two more threads.
func (s *stage) ofThread() bool {
	return signalsBlocked() || s.Nice != nil || s.Creds != nil || len(s.Logs) > 0
}

// stillThere says whether the path of the run directory still leads to where
// the pidfile was written: in one that was moved away nobody would find it.
func (s *stage) stillThere(dir *pidfile.Dir) error {
	here, err := dir.File().Stat()
	if err != nil {
		return fmt.Errorf("run directory %q: %w", s.Dir, err)
	}
	there, err := os.Stat(s.Dir)
	if err != nil {
		return fmt.Errorf("run directory %q: %w", s.Dir, err)
	}
	if !os.SameFile(here, there) {
		return fmt.Errorf("run directory %q: was replaced meanwhile", s.Dir)
	}
	return nil
}

// become turns into the server. It returns only an error.
func (s *stage) become() error {
	if c := s.Creds; c != nil {
		if err := syscall.Setgroups(c.Groups); err != nil {
			return fmt.Errorf("setgroups: %w", err)
		}
		if err := syscall.Setgid(c.GID); err != nil {
			return fmt.Errorf("setgid %d: %w", c.GID, err)
		}
		if err := syscall.Setuid(c.UID); err != nil {
			return fmt.Errorf("setuid %d: %w", c.UID, err)
		}
	}
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, StageEnv+"=") && !strings.HasPrefix(pair, procsEnv+"=") {
			env = append(env, pair)
		}
	}
	if len(s.Procs) > 0 {
		env = append(env, s.Procs)
	}
	if err := defaultSignals(); err != nil {
		return err
	}
	if err := syscall.Exec(s.Path, os.Args, env); err != nil {
		return fmt.Errorf("exec %q: %w", s.Path, err)
	}
	return nil
}

// set sets the limit. It raises the hard limit only if it must, and lowers it
// only if asked to. Where it may not raise it, the error is EPERM, the soft
// limit goes as far as the hard one, which is given.
func (l stageLimit) set() (uint64, error) {
	var old syscall.Rlimit
	if l.AtLeast {
		ownSoftLimit()
	}
	if err := syscall.Getrlimit(l.Resource, &old); err != nil {
		return 0, err
	}
	want := syscall.Rlimit{Cur: l.Value, Max: l.Value}
	if l.AtLeast && old.Cur >= l.Value {
		return 0, nil
	}
	if !l.Exactly {
		want.Max = max(old.Max, l.Value)
	}
	err := syscall.Setrlimit(l.Resource, &want)
	if err != nil && !l.Exactly {
		_ = syscall.Setrlimit(l.Resource, &syscall.Rlimit{Cur: old.Max, Max: old.Max})
	}
	return old.Max, err
}

// ownSoftLimit gives back the soft limit of open files that this process was
// started with. Go raises it at start, and syscall.Exec restores it before it
// executes anything, which cannot be done here: the empty path is ENOENT.
func ownSoftLimit() { _ = syscall.Exec("", []string{""}, nil) }

// sigaction is the kernel's, not libc's: x86-64 and arm64 order the fields alike.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// signalsBlocked says whether any signal is blocked. The threads of Go's runtime
// have the mask that the process was started with.
func signalsBlocked() bool {
	var mask unix.Sigset_t
	err := unix.PthreadSigmask(unix.SIG_SETMASK, nil, &mask)
	return err != nil || mask != unix.Sigset_t{}
}

// defaultSignals gives every signal its default disposition and unblocks all:
// both survive execve(2), and the caller's (nohup's, say) are no business of a
// server. From here on the Go runtime cannot handle signals, so the exec must
// follow at once.
func defaultSignals() error {
	var dfl sigaction
	for sig := 1; sig <= 64; sig++ {
		if sig == int(unix.SIGKILL) || sig == int(unix.SIGSTOP) {
			continue
		}
		_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&dfl)), 0, 8, 0, 0)
		if e != 0 {
			return fmt.Errorf("sigaction %d: %w", sig, e)
		}
	}
	var none unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil); err != nil {
		return fmt.Errorf("sigprocmask: %w", err)
	}
	return nil
}

// rawSetgroups sets the groups of this thread alone; syscall.Setgroups sets
// those of all.
func rawSetgroups(gids []int) error {
	list := make([]uint32, len(gids))
	for n, gid := range gids {
		list[n] = uint32(gid)
	}
	var first unsafe.Pointer
	if len(list) > 0 {
		first = unsafe.Pointer(&list[0])
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(list)), uintptr(first), 0); e != 0 {
		return e
	}
	return nil
}
