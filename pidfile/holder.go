package pidfile

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Holder finds who holds the lock of the pidfile name, as far as /proc shows it
// to the caller and a search gets: its pid and its command line, or 0. The kernel
// tells the range of a lock only beside the descriptor that it belongs to
// (proc_pid_fdinfo(5)), so this looks through all processes: it is for messages.
func (d *Dir) Holder(name string) (pid int, argv []string) {
	if d.lock == nil {
		return 0, nil
	}
	own, err := os.Readlink(procPath(os.Getpid(), "fd/"+strconv.Itoa(int(d.lock.Fd()))))
	if err != nil {
		return 0, nil
	}
	at := offset(name)
	d.Reader.searchAll(func(p int, limit time.Time) bool {
		if p == os.Getpid() {
			return false
		}
		descriptorsUntil(p, limit, func(number string) {
			if link, err := os.Readlink(procPath(p, "fd/"+number)); err == nil && link == own && holdsLock(locksText(p, number), at) {
				pid = p
			}
		})
		return pid != 0
	})
	if pid != 0 {
		argv, _ = d.Reader.cmdline(pid)
	}
	return pid, argv
}

// mostLocks is how much is read of what the kernel tells of a descriptor: it may have
// any number of locks.
const mostLocks = 1 << 20

func locksText(pid int, number string) string {
	f, err := os.Open(procPath(pid, "fdinfo/"+number))
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, mostLocks))
	return string(text)
}

// holdsLock finds a lock of the byte at, in the content of a file of
// /proc/PID/fdinfo:
//
//	lock:	1: OFDLCK ADVISORY  WRITE 0 fe:00:1234 START END
//
// END is EOF where there is none. Those of fcntl(2), OFDLCK and POSIX, exclude each other.
func holdsLock(text string, at int64) bool {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 9 || f[0] != "lock:" || f[2] != "OFDLCK" && f[2] != "POSIX" {
			continue
		}
		start, err := strconv.ParseInt(f[7], 10, 64)
		end, endErr := strconv.ParseInt(f[8], 10, 64)
		if err == nil && start <= at && (f[8] == "EOF" || endErr == nil && at <= end) {
			return true
		}
	}
	return false
}
