package pidfile

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Process is a handle on one process, a pidfd: unlike a number it never comes
// to mean another process. Signals go through the handle only; this package
// has no kill(2).
type Process struct {
	pid int
	fd  int
}

// Open opens a handle on the process pid. The error is ErrGone where there is
// none. EINVAL means the same: pidfd_open(2) gives it for a number that only a
// process group or a session keeps alive, and for a thread that leads nothing.
func Open(pid int) (*Process, error) {
	if pid < 2 {
		return nil, fmt.Errorf("pid %d: %w", pid, ErrMalformed)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	switch err {
	case nil:
		return &Process{pid: pid, fd: fd}, nil
	case unix.ESRCH, unix.EINVAL, unix.ENOENT:
		return nil, fmt.Errorf("pid %d: %w", pid, ErrGone)
	case unix.ENOSYS:
		return nil, errors.New("this kernel has no pidfd_open, mgr needs Linux 5.3 or later")
	}
	return nil, fmt.Errorf("pid %d: pidfd_open: %w", pid, err)
}

// FromPidfd makes a handle of a pidfd that clone3(2) returned.
func FromPidfd(pid, fd int) *Process { return &Process{pid: pid, fd: fd} }

// PID is the number of the process, to be shown.
func (p *Process) PID() int { return p.pid }

// FD is the pidfd, to be polled.
func (p *Process) FD() int { return p.fd }

// Close closes the handle. Closing it twice, or closing nil, is harmless.
func (p *Process) Close() {
	if p != nil && p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

// Signal sends sig through the handle. The error is ErrGone if the process was
// reaped, and unix.EPERM if the caller may not.
func (p *Process) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(p.fd, sig, nil, 0)
	if err == unix.ESRCH {
		return fmt.Errorf("pid %d: %w", p.pid, ErrGone)
	}
	if err != nil {
		return fmt.Errorf("pid %d: %w", p.pid, err)
	}
	return nil
}

// Exited says whether the process has ended, reaped or not: a pidfd becomes
// readable when the last thread of its process has exited.
func (p *Process) Exited() bool {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	for err == unix.EINTR {
		n, err = unix.Poll(fds, 0)
	}
	return n > 0
}

// looks is how often a command line that reads empty is looked at again: it is
// for the fraction of a millisecond that execve(2) takes.
const looks = 1000

// verify says whether the process is what id describes: Running, Dead, Foreign
// or Unknown, and why it is not Running.
func (p *Process) verify(id Identity) (State, error) {
	for range looks {
		argv, err := cmdline(p.pid)
		if p.Exited() { // what was read may be a successor's
			return Dead, nil
		}
		if err != nil {
			return Unknown, fmt.Errorf("cannot see what pid %d runs: %w", p.pid, err)
		}
		if len(argv) == 0 {
			runtime.Gosched()
			continue
		}
		if !id.Matches(argv) {
			return Foreign, &ForeignError{PID: p.pid, Argv: argv, Same: id.sameCommand(argv)}
		}
		return p.verifyLeader(id)
	}
	st, err := stat(p.pid)
	if err == nil && st.kernel() {
		return Foreign, &ForeignError{PID: p.pid, Argv: []string{"[" + st.Comm + "]"}}
	}
	return Unknown, fmt.Errorf("pid %d shows no command line", p.pid)
}

// verifyLeader tells a server from one of its workers, which show the same
// command line. A session's leader is nobody's worker; of others the parent
// tells.
func (p *Process) verifyLeader(id Identity) (State, error) {
	if sid, err := unix.Getsid(p.pid); err == nil && sid == p.pid {
		return Running, nil
	}
	st, err := stat(p.pid)
	if err != nil || st.PPID < 2 {
		return Running, nil
	}
	parent, err := cmdline(st.PPID)
	if err != nil || p.Exited() || !id.Matches(parent) {
		return Running, nil
	}
	return Foreign, &ForeignError{PID: p.pid, Worker: st.PPID, Argv: parent}
}

// A ForeignError says what runs under a pid that was expected to be a server.
type ForeignError struct {
	PID    int
	Argv   []string // its command line
	Worker int      // the pid of the server that it is only a worker of, or 0
	// Same says that it runs the server's command, though not with its conf.
	Same bool
}

func (e *ForeignError) Error() string {
	if e.Worker != 0 {
		return fmt.Sprintf("pid %d is only a worker of pid %d", e.PID, e.Worker)
	}
	if e.Same {
		return fmt.Sprintf("pid %d runs the same command for something else: %q", e.PID, strings.Join(e.Argv, " "))
	}
	return fmt.Sprintf("pid %d is now %q", e.PID, e.Argv[0])
}

// cmdline reads the arguments of the process pid: none for a zombie, a kernel
// thread, and in the middle of execve(2).
func cmdline(pid int) ([]string, error) {
	raw, err := readProc(pid, "cmdline")
	if err != nil {
		return nil, err
	}
	return splitCmdline(raw), nil
}

func stat(pid int) (Stat, error) {
	raw, err := readProc(pid, "stat")
	if err != nil {
		return Stat{}, err
	}
	return parseStat(raw)
}

// readProc reads a file of /proc/PID, whole. It spares what os.ReadFile does
// for files of a known size: this runs once for every instance.
func readProc(pid int, name string) ([]byte, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/" + name
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	buf := make([]byte, 0, 512)
	for {
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return buf, nil
		}
		buf = buf[:len(buf)+n]
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}
