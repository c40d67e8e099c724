package pidfile

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Sharers is how many goroutines may look at processes at once: as many as there are
// processors, where there are descriptors for them.
func Sharers() int {
	procs := runtime.GOMAXPROCS(0)
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		return procs
	}
	return sharersOf(lim.Cur, procs)
}

// sharersOf is how many that are, of so many descriptors: mgr has sixteen at the most by
// then, and each look takes up to three, a handle among them.
func sharersOf(limit uint64, procs int) int {
	room := max(limit, 16) - 16
	return int(max(min(room/3, uint64(procs)), 1))
}
