package pidfile

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Usage is what a process takes of the machine, as /proc tells it.
type Usage struct {
	PID     int
	Start   uint64        // clock ticks after boot: with the pid, who it was
	CPU     time.Duration // processor time of all of its threads so far
	Age     time.Duration // how long ago it was started
	RSS     int64         // resident memory, bytes: pages that it shares count in full
	PSS     int64         // the same, pages shared by n counted as an nth; -1 if it was not asked for or is not permitted
	Threads int
	FDs     int   // open descriptors, -1 if not permitted to count them
	MaxFDs  int64 // the soft limit of them, -1 if there is none or it is not known
}

// A Depth says how much is looked at.
type Depth int

// What Usage looks at.
const (
	Shallow Depth = iota // what the kernel has at hand
	Deep                 // the proportional memory too, for which it walks all pages of the process
)

// Usage looks at the process. The error is ErrGone if it has ended.
func (p *Process) Usage(rd *Reader, depth Depth) (Usage, error) {
	u, err := p.usage(rd, depth)
	if p.Exited() { // what was read by its number may be a successor's
		return Usage{}, fmt.Errorf("pid %d: %w", p.pid, ErrGone)
	}
	return u, err
}

func (p *Process) usage(rd *Reader, depth Depth) (Usage, error) {
	var buf [procBuffer]byte
	u := Usage{PID: p.pid, PSS: -1, FDs: -1, MaxFDs: -1}
	raw, err := readProc(procPath(p.pid, "stat"), buf[:])
	if err != nil {
		return u, err
	}
	st, err := parseStat(raw)
	if err != nil {
		return u, err
	}
	ticks, err := parseTicks(raw)
	if err != nil {
		return u, err
	}
	u.Start, u.Threads, u.CPU = st.Start, st.Threads, ticks
	u.Age, _ = st.age()
	if raw, err = readProc(procPath(p.pid, "statm"), buf[:]); err != nil {
		return u, err
	}
	pages, err := parseResident(raw)
	if err != nil {
		return u, err
	}
	u.RSS = pages * int64(os.Getpagesize())
	u.FDs = countFDs(p.pid)
	if raw, err := readProc(procPath(p.pid, "limits"), make([]byte, 2*procBuffer)); err == nil {
		u.MaxFDs = parseMaxFDs(raw)
	}
	if depth == Deep {
		if raw, err := rd.read(p.pid, "smaps_rollup"); err == nil {
			u.PSS = parsePSS(raw)
		}
	}
	return u, nil
}

// parseTicks gives the processor time, in user mode and in the kernel, that the
// content of /proc/PID/stat tells, proc_pid_stat(5).
func parseTicks(raw []byte) (time.Duration, error) {
	_, f := splitStat(raw)
	if len(f) < 13 {
		return 0, fmt.Errorf("stat without times: %q", clip(raw))
	}
	var sum uint64
	for _, s := range f[11:13] {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil || n > math.MaxInt64/uint64(startTick)/2 {
			return 0, fmt.Errorf("stat with a time of %q ticks", s)
		}
		sum += n
	}
	return time.Duration(sum) * startTick, nil
}

// parseResident gives the resident pages of /proc/PID/statm, proc_pid_statm(5).
func parseResident(raw []byte) (int64, error) {
	f := strings.Fields(string(raw))
	if len(f) < 2 {
		return 0, fmt.Errorf("statm with %d fields: %q", len(f), clip(raw))
	}
	n, err := strconv.ParseUint(f[1], 10, 43) // bytes of it fit 63 bits
	if err != nil {
		return 0, fmt.Errorf("statm: %w", err)
	}
	return int64(n), nil
}

// parseMaxFDs gives the soft limit of open files of /proc/PID/limits,
// proc_pid_limits(5), -1 if there is none.
func parseMaxFDs(raw []byte) int64 {
	f := field(raw, "Max open files")
	if len(f) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(f[0], 10, 64) // or the word "unlimited"
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// parsePSS gives the bytes of Pss in /proc/PID/smaps_rollup, proc_pid_smaps(5),
// -1 if they are not there.
func parsePSS(raw []byte) int64 {
	f := field(raw, "Pss:")
	if len(f) != 2 || f[1] != "kB" {
		return -1
	}
	n, err := strconv.ParseUint(f[0], 10, 53)
	if err != nil {
		return -1
	}
	return int64(n) << 10
}

// countFDs counts the open descriptors of a process: the size of their directory
// since Linux 6.2, its entries before. -1 if that is not permitted.
func countFDs(pid int) int {
	path := procPath(pid, "fd")
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil && st.Size > 0 {
		return int(st.Size)
	}
	dir, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return -1
	}
	return len(names)
}
