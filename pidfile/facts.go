package pidfile

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Facts are what the kernel tells of a process, beside its command line. They are
// true of the process behind a handle if that is seen alive after they were
// read.
type facts struct {
	PPID   int
	Nested bool // it lives in a pid namespace below ours
}

// A view says what can be known of all processes at once, so that it need not be
// asked of each.
type view struct {
	// pidns is the pid namespace that mgr is in and whose processes /proc shows,
	// as the links of /proc/PID/ns name it. "": it is not known to be one.
	pidns string
}

// look finds out about the view. /proc may be that of a namespace above: then mgr
// has more than one number there.
func look() view {
	raw, err := readProc("/proc/self/status")
	if err != nil {
		return view{}
	}
	if f := field(raw, "NSpid:"); len(f) != 1 || f[0] != strconv.Itoa(os.Getpid()) {
		return view{}
	}
	pidns, _ := os.Readlink("/proc/self/ns/pid")
	return view{pidns}
}

// facts reads the facts in two system calls where the kernel knows the one,
// PIDFD_GET_INFO of Linux 6.13, and permits the other. The error says why the
// process cannot be seen.
func (p *Process) facts(v view) (facts, error) {
	if v.pidns != "" {
		if info, ok := p.info(); ok {
			var link [64]byte
			if n, err := unix.Readlink(procPath(p.pid, "ns/pid"), link[:]); err == nil {
				return facts{PPID: int(info.PPID), Nested: string(link[:n]) != v.pidns}, nil
			}
		}
	}
	return p.factsOfProc()
}

// factsOfProc reads the facts from /proc.
func (p *Process) factsOfProc() (facts, error) {
	raw, err := readProc("/proc/self/fdinfo/" + strconv.Itoa(p.fd))
	if err != nil {
		return facts{}, err
	}
	info, err := parseFdinfo(raw)
	if err != nil {
		return facts{}, err
	}
	if info.PID != p.pid {
		return facts{}, fmt.Errorf("/proc is that of another pid namespace")
	}
	st, err := stat(p.pid)
	if err != nil {
		return facts{}, err
	}
	return facts{PPID: st.PPID, Nested: info.Nested}, nil
}

// uids gives the real and the saved user id of the process: who has one of them
// may signal it, kill(2).
func (p *Process) uids() ([]uint32, error) {
	if info, ok := p.info(); ok {
		return []uint32{info.RUID, info.SUID}, nil
	}
	raw, err := readProc(procPath(p.pid, "status"))
	if err != nil {
		return nil, err
	}
	return parseUIDs(raw)
}

// pidfdInfo is struct pidfd_info of linux/pidfd.h, as it first was.
type pidfdInfo struct {
	Mask, CgroupID                                            uint64
	PID, TGID, PPID                                           uint32
	RUID, RGID, EUID, EGID, SUID, SGID, FSUID, FSGID, Unused0 uint32
}

const (
	pidfdGetInfo   = 0xc040ff0b // _IOWR(0xff, 11, struct pidfd_info)
	pidfdInfoPID   = 1 << 0
	pidfdInfoCreds = 1 << 1
)

// info asks the handle itself. It says no where the kernel cannot (ENOTTY), and
// of a process whose parent is in a namespace above (ESRCH).
func (p *Process) info() (pidfdInfo, bool) {
	const wanted = pidfdInfoPID | pidfdInfoCreds
	info := pidfdInfo{Mask: wanted}
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
	return info, e == 0 && info.Mask&wanted == wanted && int(info.PID) == p.pid
}
