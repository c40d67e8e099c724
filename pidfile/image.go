package pidfile

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// An Image tells one program image of a process from the next: the addresses of
// its code, stack, arguments and environment (proc_pid_stat(5), fields 26, 28,
// 48 and 50), which the kernel picks anew at every execve(2) and which a fork
// keeps. It is empty where the kernel does not show them to the caller.
type Image string

// ImageOf gives the image that the process pid runs.
func ImageOf(pid int) Image {
	var buf [procBuffer]byte
	raw, err := readProc(procPath(pid, "stat"), buf[:])
	if err != nil {
		return ""
	}
	return parseImage(raw)
}

func parseImage(raw []byte) Image {
	_, f := splitStat(raw) // f[0] is field 3
	if len(f) < 48 || f[25] == "0" {
		return ""
	}
	return Image(strings.Join([]string{f[23], f[25], f[45], f[47]}, " "))
}

// ChildrenOf gives the numbers of the children of the process pid, in the order
// of the snapshot: to be counted and shown, not to be signalled.
func (t *Tree) ChildrenOf(pid int) []int { return t.children[pid] }

// Dup gives a second handle on the same process, closed on its own.
func (p *Process) Dup() (*Process, error) {
	fd, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("pid %d: dup: %w", p.pid, err)
	}
	return &Process{pid: p.pid, fd: fd}, nil
}
