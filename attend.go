package main

import (
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unattended is how long mgr runs before it attends to signals: nearly all commands
// have ended by then.
const unattended = 100 * time.Millisecond

// attend has signals heard that the kernel has given to a thread which cannot hear them.
// One that does not block a signal may be chosen to take it while it is in a system call
// from which nothing but SIGKILL wakes it, and the main one is the first choice
// (complete_signal, kernel/signal.c, Linux 6.1): where it reads of a process or a file
// system that hangs, Ctrl-C would be lost. A signalfd(2) tells of a signal whoever is to
// take it, and a thread whose mask changes looks whether it could take one itself
// (recalc_sigpending). It returns only where the kernel refuses.
func attend(signals ...syscall.Signal) {
	runtime.LockOSThread() // the mask is that of a thread; never given back, so it ends with this goroutine
	var set, mask unix.Sigset_t
	if unix.PthreadSigmask(unix.SIG_BLOCK, nil, &mask) != nil {
		return
	}
	word := 1024 / len(set.Val) // bits
	for _, sig := range signals {
		n, bit := int(sig-1)/word, int(sig-1)%word
		set.Val[n] |= (1 << bit) &^ mask.Val[n] // who started mgr may have blocked it
	}
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}; ; {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		if unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil) != nil || unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil) != nil {
			return
		}
	}
}
