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

// mind acts on the signals that matter to the line, from when it is first drawn until
// mgr ends: Go gives none of them its default action back, so Ctrl-Z would be lost once
// the line has gone.
func (s *screen) mind(signals <-chan os.Signal) {
	for sig := range signals {
		s.mu.Lock()
		if sig == unix.SIGTSTP && !groupOrphaned(unix.Getpgrp()) {
			s.suspend(signals)
		}
		if s.begun {
			s.redraw()
		}
		s.mu.Unlock()
	}
}

// resumed is how long to wait for the word that mgr goes on, once it has been stopped:
// it goes on by then, and the line is to come back.
const resumed = 100 * time.Millisecond

// suspend takes the line away, stops mgr, and returns when it goes on. It is SIGSTOP,
// since Go does not give a signal that it was to tell of its default action back. The
// lock is held: nobody draws the line meanwhile.
func (s *screen) suspend(signals <-chan os.Signal) {
	s.erase()
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
