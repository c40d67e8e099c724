package server

import (
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
)

// A Child is a server that this mgr launched, and what became of it so far.
type Child struct {
	Instance *Instance
	Process  *pidfile.Process
	Started  time.Time
	Output   []byte   // what it wrote to stdout and stderr, at most the last 64 KiB
	Logged   []string // the log files that Output is the end of
	Limits   []LimitWarning
	Failure  string // why the stage could not become the server; "" if it did
	Executed bool   // the stage has become the server
	Closed   bool   // the server closed its stdout and stderr
	Exited   bool   // the process has ended, and was reaped if it was mgr's own child
	Status   unix.WaitStatus
	// Followed says that Process is not the one that was launched: the pidfile
	// names another one.
	Followed bool
	// Elsewhere is why the server says that it is ready at a name for this start
	// only: who has the one that follows from its pidfile; nil: nobody.
	Elsewhere error

	mode    Mode
	index   int // among its Launches
	report  int // reading ends of pipes; -1: none, or at their end
	output  int
	probing int    // says how the probe has ended
	reached bool   // by the probe
	unprobe func() // ends the probe; nil: there was none
	// unreached is why the last try of the probe failed, which goes on meanwhile; nil: there is none.
	unreached *atomic.Pointer[error]
	notify    *notifySocket    // nil: none
	notified  bool             // READY=1 has come
	closedAt  time.Time        // when Closed became true
	said      []byte           // by the stage
	notes     []logNote        // the logs that it writes to
	read      bool             // those logs
	launched  time.Duration    // when, after boot, if it is forking
	launcher  *pidfile.Process // what was launched, if Followed
	watch     *pidfile.Watch   // of the pidfile; nil: none
	writes    int              // of the pidfile, by the server
	moves     int              // to the pidfile's name
	tracked   bool             // the server has written its pidfile, and is the process in it
	detached  bool             // the launched process has ended well, the server it made is awaited
	later     *later           // nil: nothing is to be looked at again
}

// maxOutput is how much of a server's output is kept, in bytes.
const maxOutput = 64 << 10

// Ready says whether the server is ready, as its program defines it.
func (c *Child) Ready() bool {
	if !c.Executed || c.Exited || time.Since(c.Started) < c.settles() {
		return false
	}
	if c.mode.NoWait || c.mode.Foreground {
		return true
	}
	if c.Instance.Program.Forking && !c.tracked {
		return false
	}
	switch c.Instance.Program.Ready.Kind() {
	case aliases.ReadyPidfile:
		return c.tracked
	case aliases.ReadyStdoutClose:
		return c.Followed || c.Closed && !c.watched().After(time.Now())
	case aliases.ReadyNotify:
		return c.notified
	case aliases.ReadyTCP, aliases.ReadyUnix, aliases.ReadyHTTP:
		return c.reached
	}
	return true
}

// Kill ends a child that is no server, such as a test, and what it started.
func (c *Child) Kill() {
	if c.Exited {
		return
	}
	_ = c.Process.Signal(unix.SIGSTOP) // or it goes on to start others
	if tree, err := pidfile.ReadTree(); err == nil {
		family, _ := tree.Family(c.Process) // as far as there are descriptors
		for _, p := range family {
			_ = p.Signal(unix.SIGKILL)
			p.Close()
		}
	}
	_ = c.Process.Signal(unix.SIGKILL)
}

// Tracked says whether the pidfile names the server: at once, unless the server
// writes it itself.
func (c *Child) Tracked() bool { return !c.Instance.Program.Forking || c.tracked }

// settles is how long the server has to live to count as started.
func (c *Child) settles() time.Duration {
	if c.mode.NoWait {
		return 0
	}
	return c.Instance.Program.StartWait
}

// warningWait is how long a server that wrote something before it closed its
// stdout is watched: it may have been a warning, or its last words (WARNING_WAIT
// of manager.py).
const warningWait = 3 * time.Second

// watched is until when the server has to live to count as started.
func (c *Child) watched() time.Time {
	until := c.Started.Add(c.settles())
	if c.Closed && len(c.Output) > 0 && !c.mode.Once {
		if w := c.closedAt.Add(warningWait); w.After(until) {
			return w
		}
	}
	return until
}

// Died says how the process ended: "exit status 1", "killed by SIGKILL".
func (c *Child) Died() string {
	switch {
	case c.Followed:
		return "ended" // who is not its parent cannot tell
	case c.detached:
		return "nothing is left of what it started"
	case c.Status.Signaled():
		return "killed by " + unix.SignalName(c.Status.Signal())
	default:
		return fmt.Sprintf("exit status %d", c.Status.ExitStatus())
	}
}

// Obeyed says whether the process may have ended because it got the signal to end, or
// SIGKILL: by it, with nothing wrong, or with the status that shells have for that.
func (c *Child) Obeyed(sig syscall.Signal) bool {
	switch {
	case c.Followed:
		return true // who is not its parent cannot tell
	case c.Status.Signaled():
		return c.Status.Signal() == sig || c.Status.Signal() == unix.SIGKILL
	}
	code := c.Status.ExitStatus()
	return code == 0 || code == 128+int(sig)
}

// Succeeded says whether the process ended as the program's exitcodes have it.
func (c *Child) Succeeded() bool {
	return c.Exited && !c.Followed && !c.detached && c.Status.Exited() && slices.Contains(c.Instance.Program.ExitCodes, c.Status.ExitStatus())
}

// release gives up all that c is watched through, but for the process itself.
func (c *Child) release() {
	for _, fd := range []*int{&c.report, &c.output, &c.probing} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	c.StopListening()
	if c.unprobe != nil {
		c.unprobe()
	}
	if c.watch != nil {
		c.watch.Close()
		c.watch = nil
	}
}

// Unheard says that mgr no longer hears what the server says: somebody keeps it from
// reading there.
func (c *Child) Unheard() bool { return c.notify != nil && c.notify.deaf }

// StopListening gives up the name under which the server reports that it is ready:
// whoever acts on it next may need it, while other servers are still waited for.
func (c *Child) StopListening() {
	if c.notify != nil {
		c.notify.close()
		c.notify = nil
	}
}

// wakeAt is when c has to be looked at again even if nothing happens: when it
// has settled, when there may be what no event tells of, or when its time is up.
func (c *Child) wakeAt(limit time.Duration, now time.Time) time.Time {
	var at time.Time
	if limit > 0 {
		at = c.Started.Add(limit)
	}
	if c.later != nil { // revisit has put these off
		at = sooner(at, c.later.reapAt)
		if !c.Exited && !c.tracked {
			at = sooner(sooner(at, c.later.lookAt), c.later.missedAt)
		}
	}
	if until := c.watched(); until.After(now) {
		at = sooner(at, until)
	}
	return at
}
