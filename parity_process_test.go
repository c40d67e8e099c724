package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// process is a process of a tree, known to be one, by its handle.
type process struct {
	pid int
	fd  int // pidfd
}

// open opens the process with this number if it runs and belongs to the tree; else it is nil. What is looked at after the
// handle was opened is the handle's process, as long as that lives.
func (tr *tree) open(pid int) *process {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil
	}
	p := &process{pid: pid, fd: fd}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err == nil && bytes.Contains(environ, []byte(tr.mark()+"\x00")) && p.alive() {
		return p
	}
	p.close()
	return nil
}

func (p *process) close() { unix.Close(p.fd) }

// alive is false for a zombie: nothing of it can be lost any more.
func (p *process) alive() bool {
	ready, _ := poll(0, p.fd)
	return !ready
}

// poll waits until one of the descriptors is readable; ready is false when the time is over, as one below zero is.
func poll(timeout time.Duration, fds ...int) (ready bool, err error) {
	var set []unix.PollFd
	for _, fd := range fds {
		set = append(set, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	for over := time.Now().Add(timeout); ; {
		n, err := unix.Poll(set, int(max(0, time.Until(over)).Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return n > 0, err
		}
	}
}

// TestPollLate: a deadline that has passed before the wait began is no wait without an end.
func TestPollLate(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer time.AfterFunc(patience, func() { w.Close() }).Stop() // ends a wait that has no end
	if ready, err := poll(-time.Second, int(r.Fd())); ready || err != nil {
		t.Errorf("ready %v, %v", ready, err)
	}
	w.Close()
}

// processes opens every process of the tree.
func (tr *tree) processes() []*process {
	entries, _ := os.ReadDir("/proc")
	var all []*process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p := tr.open(pid); p != nil {
			all = append(all, p)
		}
	}
	return all
}

// isLive says whether the number is that of a living process of the tree.
func (tr *tree) isLive(pid int) bool {
	p := tr.open(pid)
	if p == nil {
		return false
	}
	p.close()
	return true
}

// pidfileProcess opens the process that a pidfile names.
func (tr *tree) pidfileProcess(pidfile string) (*process, error) {
	data, err := os.ReadFile(tr.path("run/" + pidfile))
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(data)))
	if err != nil {
		return nil, err
	}
	if p := tr.open(pid); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("pid %d is no living process of this tree", pid)
}

// crash kills the process that a pidfile names, and that one only.
func (tr *tree) crash(pidfile string) error {
	p, err := tr.pidfileProcess(pidfile)
	if err != nil {
		return err
	}
	defer p.close()
	return p.kill()
}

func (p *process) kill() error {
	if err := unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return p.wait()
}

func (p *process) wait() error {
	ended, err := poll(patience, p.fd)
	if err == nil && !ended {
		err = fmt.Errorf("pid %d has not ended in %v", p.pid, patience)
	}
	return err
}

// awaitExit waits for a process to end that a pidfile names.
func (tr *tree) awaitExit(pidfile string) error {
	p, err := tr.pidfileProcess(pidfile)
	if err != nil {
		return nil // it has
	}
	defer p.close()
	return p.wait()
}

// await waits for PROGRAM CONF N EVENT: N lines of the server's log that begin with EVENT.
func (tr *tree) await(rest string) error {
	words := strings.SplitN(rest, " ", 4)
	if len(words) < 4 {
		return fmt.Errorf("%q: too few words", rest)
	}
	n, err := strconv.Atoi(words[2])
	if err != nil {
		return err
	}
	return tr.watchLogs(func() bool { return tr.readLog(words[0], words[1]).count(words[3]) >= n })
}

// watchLogs waits until the logs are such that the condition is true, or one of the descriptors is readable.
func (tr *tree) watchLogs(condition func() bool, fds ...int) error {
	return watchDir(tr.path("log"), condition, fds...)
}

// watchDir waits until the files of a directory are such that the condition is true, or one of the descriptors is readable.
func watchDir(dir string, condition func() bool, fds ...int) error {
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, dir, unix.IN_MODIFY|unix.IN_CREATE); err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for !condition() {
		ready, err := poll(time.Until(deadline), append(fds, watch)...)
		if err != nil {
			return err
		}
		if !ready {
			return errors.New("it does not happen")
		}
		if ended, _ := poll(0, append(fds, watch)[:len(fds)]...); ended {
			return nil
		}
		if _, err := unix.Read(watch, make([]byte, 4096)); err != nil {
			return err
		}
	}
	return nil
}

// destroy ends every process of the tree, one by one, and removes the tree.
func (tr *tree) destroy() error {
	for _, cmd := range tr.strangers {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for left := tr.processes(); len(left) > 0; left = tr.processes() {
		for _, p := range left {
			err := p.kill()
			p.close()
			if err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(filepath.Clean(tr.root))
}
