package server

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// killed is how the kernel's log names each process that was killed for memory
// (__oom_kill_process of mm/oom_kill.c), in these words since Linux 5.3: a pid
// follows, and a name in parentheses.
const killed = ": Killed process "

// initialPIDs is the inode of the first pid namespace, PROC_PID_INIT_INO of
// linux/proc_ns.h: the kernel's log has the numbers of that one.
const initialPIDs = 0xEFFFFFFC

// A kernelKill is a process that the kernel says it has killed for memory.
type kernelKill struct {
	pid     int
	at      time.Time
	message string
}

// A KernelLog is what the kernel's log tells of processes that it has killed for
// want of memory.
type KernelLog struct {
	kills []kernelKill
	err   error
}

// ReadKernelLog reads the log. If that fails, Killed returns the error.
func ReadKernelLog() *KernelLog {
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &st); err != nil || st.Ino != initialPIDs {
		return &KernelLog{err: errors.New("the kernel's log has other pids than this namespace")}
	}
	kills, err := kernelKills()
	return &KernelLog{kills, err}
}

// Killed says whether the kernel has killed the process pid, which was there at
// since, and gives the kernel's words. The log is a ring: what it does not tell
// any more may have happened all the same.
func (l *KernelLog) Killed(pid int, since time.Time) (message string, err error) {
	if l.err != nil {
		return "", l.err
	}
	// The kernel's clock is not the wall's, and stands while the machine sleeps.
	const slack = time.Minute
	for _, k := range l.kills {
		if k.pid == pid && !k.at.Before(since.Add(-slack)) {
			message = k.message
		}
	}
	return message, nil
}

// kernelKills reads the kernel's log as far back as it goes: /dev/kmsg, one
// record a read (Documentation/ABI/testing/dev-kmsg).
func kernelKills() ([]kernelKill, error) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/kmsg: %w", err)
	}
	defer unix.Close(fd)
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, fmt.Errorf("clock_gettime: %w", err)
	}
	boot := time.Now().Add(-time.Duration(now.Nano()))
	var out []kernelKill
	buf := make([]byte, 8192) // the longest record, PRINTK_MESSAGE_MAX is 2048
	for range maxRecords {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EPIPE || err == unix.EINTR: // some were overwritten meanwhile
			continue
		case err == unix.EAGAIN || err == nil && n == 0:
			return out, nil
		case err != nil:
			return out, fmt.Errorf("/dev/kmsg: %w", err)
		}
		if k, ok := parseKill(string(buf[:n]), boot); ok {
			out = append(out, k)
		}
	}
	return out, nil
}

// maxRecords bounds a log that is written as fast as it is read.
const maxRecords = 1 << 20

// parseKill reads a record: PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;MESSAGE, and
// lines behind it that begin with a blank.
func parseKill(record string, boot time.Time) (kernelKill, bool) {
	prefix, text, ok := strings.Cut(record, ";")
	text, _, _ = strings.Cut(text, "\n")
	_, rest, isKill := strings.Cut(text, killed)
	number, _, named := strings.Cut(rest, " (")
	f := strings.Split(prefix, ",")
	if !ok || !isKill || !named || len(f) < 3 {
		return kernelKill{}, false
	}
	pid, err := strconv.Atoi(number)
	micros, err2 := strconv.ParseInt(f[2], 10, 64)
	if err != nil || err2 != nil {
		return kernelKill{}, false
	}
	return kernelKill{pid, boot.Add(time.Duration(micros) * time.Microsecond), text}, true
}

// A Cgroup is what the memory controller says of the cgroup that mgr is in, which
// the servers that it starts inherit.
type Cgroup struct {
	Path  string
	Kills int    // processes of it that the kernel has killed for memory
	Limit uint64 // in bytes; 0: none, or not known
	Used  uint64
}

// OwnCgroup asks the memory controller, of cgroups(7) version 2 or 1; ok is false
// where there is none to be seen.
func OwnCgroup() (c Cgroup, ok bool) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Cgroup{}, false
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) < 3 {
			continue
		}
		if f[0] == "0" {
			c.Path = path.Join("/sys/fs/cgroup", f[2])
			if kills, ok := cgroupKills(c.Path + "/memory.events"); ok {
				c.Kills, c.Limit, c.Used = kills, number(c.Path+"/memory.max"), number(c.Path+"/memory.current")
				return c, true
			}
		}
		if f[1] == "memory" {
			c.Path = path.Join("/sys/fs/cgroup/memory", f[2])
			if kills, ok := cgroupKills(c.Path + "/memory.oom_control"); ok {
				c.Kills, c.Limit, c.Used = kills, number(c.Path+"/memory.limit_in_bytes"), number(c.Path+"/memory.usage_in_bytes")
				return c, true
			}
		}
	}
	return Cgroup{}, false
}

// cgroupKills reads the counter oom_kill of a file of lines NAME NUMBER.
func cgroupKills(file string) (int, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(rest))
			return n, err == nil
		}
	}
	return 0, false
}

// number reads a file that holds a number, 0 for anything else, `max` say.
func number(file string) uint64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 63)
	return n
}
