package pidfile

import (
	"errors"
	"fmt"

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
	if pid < 2 || pid > maxPID { // the kernel would cut a larger one to 32 bits
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
	n, _ := uninterrupted(func() (int, error) {
		return unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, 0)
	})
	return n > 0
}
