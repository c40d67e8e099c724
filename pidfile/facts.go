package pidfile

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Facts are what the kernel tells of a process, beside its command line.
type facts struct {
	PPID   int
	Nested bool // it lives in a pid namespace below ours
	// Sure says that they were told through the handle, so that the process had not
	// been reaped: what was read by its number before was its own. Without that it
	// has to be seen alive afterwards.
	Sure bool
}

// A view says what can be known of all processes at once, so that it need not be
// asked of each.
type view struct {
	// pidns is the pid namespace that mgr is in and whose processes /proc shows; the
	// zero value: it is not known to be one.
	pidns namespace
	// held is that namespace: while nobody has it open, the kernel makes its inode
	// anew for each process that it is compared with.
	held *os.File
	// reader reads command lines.
	reader *Reader
}

// An outlook is a view that is made when it is first asked for. The zero value is
// ready.
type outlook struct {
	once sync.Once
	view view
}

// from gives the view, with the reader of command lines.
func (o *outlook) from(rd *Reader) view {
	o.once.Do(func() { o.view = look() })
	v := o.view
	v.reader = rd
	return v
}

// close gives up what the view holds. Who asks for it now has to do without.
func (o *outlook) close() {
	o.once.Do(func() {})
	if o.view.held != nil {
		o.view.held.Close()
	}
}

// A namespace is the inode that tells one from another, namespaces(7).
type namespace struct{ dev, ino uint64 }

// look finds out about the view. /proc may be that of a namespace above: then mgr
// has more than one number there.
func look() view {
	raw, err := readProc("/proc/self/status", make([]byte, 2*procBuffer))
	if err != nil {
		return view{}
	}
	if f := field(raw, "NSpid:"); len(f) != 1 || f[0] != strconv.Itoa(os.Getpid()) {
		return view{}
	}
	fd, err := unix.Open("/proc/self/ns/pid", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return view{}
	}
	return view{pidns: whichNamespace(fd), held: os.NewFile(uintptr(fd), "pid namespace")}
}

func whichNamespace(fd int) namespace {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return namespace{}
	}
	return namespace{uint64(st.Dev), st.Ino} // st_dev has other types elsewhere
}

// facts reads the facts, through the handle where the kernel can tell them so and
// permits it. The error says why the process cannot be seen.
func (p *Process) facts(v view) (facts, error) {
	if v.pidns != (namespace{}) {
		pidns := p.pidns()
		if info, ok := p.info(); ok && pidns != (namespace{}) {
			return facts{PPID: int(info.PPID), Nested: pidns != v.pidns, Sure: true}, nil
		}
	}
	return p.factsOfProc()
}

// factsOfProc reads the facts from /proc.
func (p *Process) factsOfProc() (facts, error) {
	var buf [procBuffer]byte
	raw, err := readProc("/proc/self/fdinfo/"+strconv.Itoa(p.fd), buf[:])
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

// UIDs gives the real and the saved user id of the process, if that is seen alive
// afterwards: who has one of them may signal it, kill(2).
func (p *Process) UIDs() ([]uint32, error) {
	if info, ok := p.info(); ok {
		return []uint32{info.RUID, info.SUID}, nil
	}
	return statusUIDs(p.pid)
}

func statusUIDs(pid int) ([]uint32, error) {
	raw, err := readProc(procPath(pid, "status"), make([]byte, 2*procBuffer))
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

// info asks the handle itself, PIDFD_GET_INFO of Linux 6.13. It says no where the
// kernel cannot (ENOTTY), and of a process whose parent is in a namespace above
// (ESRCH).
func (p *Process) info() (pidfdInfo, bool) {
	const wanted = pidfdInfoPID | pidfdInfoCreds
	info := pidfdInfo{Mask: wanted}
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
	return info, e == 0 && info.Mask&wanted == wanted && int(info.PID) == p.pid
}

// pidns asks the handle for the pid namespace that the process lives in,
// PIDFD_GET_PID_NAMESPACE of Linux 6.11. It is the zero value where the kernel cannot
// tell, where the caller may not trace the process, and once it has ended.
func (p *Process) pidns() namespace {
	fd, err := unix.IoctlRetInt(p.fd, unix.PIDFD_GET_PID_NAMESPACE)
	if err != nil {
		return namespace{}
	}
	defer unix.Close(fd)
	return whichNamespace(fd)
}
