package manager

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// minded gives the signals that matter to a line that is shown: the terminal has
// another size, or mgr is to stop, as at Ctrl-Z, or goes on. Who has mgr ignore the
// terminal's stop is obeyed.
func minded() chan os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGWINCH, unix.SIGCONT)
	if !signal.Ignored(unix.SIGTSTP) {
		signal.Notify(signals, unix.SIGTSTP)
	}
	return signals
}

// mind acts on a signal that matters to the line.
func (s *screen) mind(sig os.Signal, signals <-chan os.Signal, done <-chan struct{}) {
	if sig == unix.SIGTSTP && !groupOrphaned(unix.Getpgrp()) {
		s.suspend(signals)
	}
	s.redraw(done)
}

// resumed is how long to wait for the word that mgr goes on, once it has been stopped:
// it goes on by then, and the line is to come back.
const resumed = 100 * time.Millisecond

// suspend takes the line away, stops mgr, and returns when it goes on. It is SIGSTOP,
// since Go does not give a signal that it was to tell of its default action back.
func (s *screen) suspend(signals <-chan os.Signal) {
	s.mu.Lock()
	s.erase()
	s.mu.Unlock()
	self, err := pidfile.Open(os.Getpid())
	if err != nil {
		return
	}
	defer self.Close()
	if self.Signal(unix.SIGSTOP) != nil {
		return
	}
	select {
	case <-signals: // SIGCONT
	case <-time.After(resumed):
	}
}

// groupOrphaned says whether nobody is there to have a process group, mgr's own, go on once
// it is stopped: no ancestor of mgr's is of the same session and another group. The
// kernel stops none such at Ctrl-Z either, setpgid(2).
func groupOrphaned(group int) bool {
	session, _ := unix.Getsid(0)
	for pid := unix.Getppid(); pid > 0; {
		if its, err := unix.Getsid(pid); err != nil || its != session {
			return true
		}
		if its, err := unix.Getpgid(pid); err != nil || its != group {
			return err != nil
		}
		parent, err := pidfile.Parent(pid)
		if err != nil {
			return true
		}
		pid = parent
	}
	return true
}
