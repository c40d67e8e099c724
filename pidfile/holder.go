package pidfile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Holder finds who holds the lock of the pidfile name, as far as /proc shows it
// to the caller: its pid and its command line, or 0. The kernel tells the range
// of a lock only beside the descriptor that it belongs to (proc_pid_fdinfo(5)),
// so this looks through all processes: it is for messages.
func (d *Dir) Holder(name string) (pid int, argv []string) {
	if d.lock == nil {
		return 0, nil
	}
	var own string
	if link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(d.lock.Fd()))); err == nil {
		own = link
	}
	start := " " + strconv.FormatInt(offset(name), 10) + " "
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		if link, err := os.Readlink(fd); err != nil || link != own {
			continue
		}
		parts := strings.Split(fd, "/") // "", proc, PID, fd, N
		pid, err := strconv.Atoi(parts[2])
		if err != nil || pid == os.Getpid() {
			continue
		}
		info, err := os.ReadFile("/proc/" + parts[2] + "/fdinfo/" + parts[4])
		if err != nil || !holdsLock(string(info), start) {
			continue
		}
		argv, _ := d.Reader.cmdline(pid)
		return pid, argv
	}
	return 0, nil
}

// holdsLock finds a lock that begins at start, blanks around it, in the content
// of a file of /proc/PID/fdinfo:
//
//	lock:	1: OFDLCK ADVISORY  WRITE 0 fe:00:1234 START END
func holdsLock(fdinfo, start string) bool {
	for line := range strings.Lines(fdinfo) {
		if strings.HasPrefix(line, "lock:") && strings.Contains(line, "OFDLCK") && strings.Contains(line, start) {
			return true
		}
	}
	return false
}
