package server

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// Launches are the servers launched by one command, and what is waited for on
// all of them at once: their stages' reports, their output, and their ends.
type Launches struct {
	Children []*Child
	waiter   *pidfile.Waiter
	ctx      context.Context
	tree     *pidfile.Tree // of all processes, when it was needed last
	taken    time.Time     // before that
}

// The descriptors of a child, as parts of a Waiter's key.
const (
	keyReport = iota
	keyOutput
	keyProbe
	keyNotify
	keyWritten
	keyProcess
	keysPerChild
)

// NewLaunches makes an empty set. Waiting ends early when ctx does.
func NewLaunches(ctx context.Context) (*Launches, error) {
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		return nil, err
	}
	return &Launches{waiter: w, ctx: ctx}, nil
}

// Close lets go of the children: they run on.
func (l *Launches) Close() {
	for _, c := range l.Children {
		c.release()
		c.Process.Close()
		c.launcher.Close()
	}
	l.waiter.Close()
}

// Add watches c. If it cannot, c is released, and its process is the caller's to
// end.
func (l *Launches) Add(c *Child) error {
	err := c.startProbe(l.ctx)
	if err == nil {
		err = l.watch(c)
	}
	if err != nil {
		c.release()
	}
	return err
}

func (l *Launches) watch(c *Child) error {
	c.index = len(l.Children)
	key := c.index * keysPerChild
	notify, written := -1, -1
	if c.notify != nil {
		notify = c.notify.fd
	}
	if c.watch != nil {
		written = c.watch.FD()
	}
	for n, fd := range [keysPerChild]int{keyReport: c.report, keyOutput: c.output, keyProbe: c.probing, keyNotify: notify,
		keyWritten: written, keyProcess: c.Process.FD()} {
		if fd < 0 {
			continue
		}
		if err := l.waiter.Add(fd, key+n); err != nil {
			return err
		}
	}
	l.Children = append(l.Children, c)
	return nil
}

// GoOn has Until wait for what is left though its context has ended.
func (l *Launches) GoOn() {
	l.waiter.GoOn()
	l.ctx = context.WithoutCancel(l.ctx)
}

// step waits for something to happen, takes note of it, and gives the children
// that it happened to.
func (l *Launches) step(deadline time.Time) ([]*Child, error) {
	keys, err := l.waiter.Wait(deadline)
	if err != nil {
		return nil, err
	}
	touched := make([]*Child, len(keys))
	for n, key := range keys {
		c := l.Children[key/keysPerChild]
		touched[n] = c
		switch key % keysPerChild {
		case keyReport:
			l.readReport(c)
		case keyOutput:
			l.readOutput(c)
		case keyProbe:
			l.probed(c)
		case keyNotify:
			l.hear(c)
		case keyWritten:
			l.written(c)
		case keyProcess:
			l.reap(c)
		}
	}
	return touched, nil
}

// Catch takes note of what has happened, and waits for nothing: what is over needs
// no descriptor any more, and each that is open makes the next fork(2) slower.
func (l *Launches) Catch() error {
	_, err := l.step(time.Now())
	return err
}

// drop ends the watch of a descriptor and closes it.
func (l *Launches) drop(fd *int) {
	if *fd >= 0 {
		l.waiter.Remove(*fd)
		unix.Close(*fd)
		*fd = -1
	}
}

// readReport takes what the stage says. The end of it without a failure is the
// exec, unless the stage was killed: then the process is on its way out.
func (l *Launches) readReport(c *Child) {
	if c.report < 0 {
		return
	}
	var buf [4096]byte
	n, err := unix.Read(c.report, buf[:])
	if n > 0 {
		c.said = append(c.said, buf[:n]...)
		return
	}
	if err == unix.EINTR {
		return
	}
	l.drop(&c.report)
	for line := range strings.Lines(string(c.said)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "W") {
			var w LimitWarning
			if n, _ := fmt.Sscanf(line[1:], "%s %d %d", &w.Key, &w.Want, &w.Max); n == 3 {
				w.Err = strings.Join(strings.Fields(line)[3:], " ")
				c.Limits = append(c.Limits, w)
			}
		} else if n, ok := parseLogNote(strings.TrimPrefix(line, "O")); ok {
			c.notes = append(c.notes, n)
		} else if strings.HasPrefix(line, "F") {
			c.Failure = line[1:]
		}
	}
	c.Executed = c.Failure == "" && !c.Process.Exiting()
}

// outputBlock is how much of a server's output is read at a time, in bytes.
const outputBlock = 16 << 10

// readOutput takes what the server writes. The end of it means ready, unless
// the server is dying: then its end is about to be seen.
func (l *Launches) readOutput(c *Child) {
	if c.output < 0 {
		return
	}
	var buf [outputBlock]byte
	n, err := unix.Read(c.output, buf[:])
	if n > 0 {
		c.Output = append(c.Output, buf[:n]...)
		if extra := len(c.Output) - maxOutput; extra > 0 {
			c.Output = bytes.Clone(c.Output[extra:])
		}
		return
	}
	if err == unix.EINTR {
		return
	}
	l.drop(&c.output)
	c.Closed, c.closedAt = !c.Process.Exiting(), time.Now()
}

// reap takes the exit status, and what is left of the output: a worker may hold
// the pipe open for ever, so nobody waits for its end.
func (l *Launches) reap(c *Child) {
	if c.Exited || !c.Process.Exited() {
		return // the end was that of a process that c has followed another one from since
	}
	l.waiter.Remove(c.Process.FD()) // which stays readable
	pid, err := unix.Wait4(c.Process.PID(), &c.Status, unix.WNOHANG, nil)
	if err == unix.EINTR || err == nil && pid == 0 {
		c.again().reapAt = time.Now().Add(lastPause) // who traces it has not let go of it yet, ptrace(2)
		return
	}
	for c.report >= 0 {
		l.readReport(c)
	}
	if !c.Followed && l.outlived(c) {
		return
	}
	c.Exited = true
	l.drain(c)
	c.release()
}

// drain takes what is left of the output, and no more than there was at the beginning:
// whoever else holds the pipe may write without a pause.
func (l *Launches) drain(c *Child) {
	if c.output < 0 {
		return
	}
	left, _ := unix.IoctlGetInt(c.output, unix.TIOCINQ) // FIONREAD
	for ; left > 0; left -= outputBlock {
		l.readOutput(c)
	}
}
