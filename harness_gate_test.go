package main

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A gate holds up every execution of mgr and of the fake server until it was looked at: fanotify(7), FAN_OPEN_EXEC_PERM.
// So the moment in which a stage becomes a server is seen as it is, and a stage can be traced from its first instruction.
type gate struct {
	file  *os.File
	ended chan struct{}
}

// A birth is an execution that is held up. The process is what it was before: the parent's copy, or the stage.
type birth struct {
	pid  int
	kind kind
}

type kind string

const (
	mgrBirth    kind = "mgr"
	stageBirth  kind = "stage"  // mgr forked and executes itself
	serverBirth kind = "server" // the stage becomes the server
	workerBirth kind = "worker" // of a server, or its new image
)

// newGate lets look see every birth, one after the other, in a goroutine of its own.
func (c *cell) newGate(look func(birth)) *gate {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
	c.must(err)
	for _, program := range []string{c.program, c.fake} {
		c.must(unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, program))
	}
	g := &gate{file: os.NewFile(uintptr(fd), "fanotify"), ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		if err := g.watch(c, look); !errors.Is(err, os.ErrClosed) {
			c.Errorf("fanotify: %v", err)
		}
	}()
	return g
}

// open lets everything pass from now on.
func (g *gate) open() {
	g.file.Close()
	<-g.ended
}

func (g *gate) watch(c *cell, look func(birth)) error {
	var buf [4096]byte
	for {
		n, err := g.file.Read(buf[:])
		if err != nil {
			return err
		}
		for at := 0; at < n; {
			event := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&buf[at]))
			at += int(event.Event_len)
			if b := c.classify(int(event.Pid), int(event.Fd)); b.kind != "" {
				look(b)
			}
			answer := unix.FanotifyResponse{Fd: event.Fd, Response: unix.FAN_ALLOW}
			_, err := g.file.Write((*[unsafe.Sizeof(answer)]byte)(unsafe.Pointer(&answer))[:])
			unix.Close(int(event.Fd))
			if err != nil && !errors.Is(err, unix.ENOENT) { // the process may have been killed
				return err
			}
		}
	}
}

// classify says what is about to be executed. The first execution of a tracer's child and of the harness's is mgr.
func (c *cell) classify(pid, fd int) birth {
	file, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	switch {
	case file == c.program && runs(pid, c.program):
		return birth{pid, stageBirth}
	case file == c.program:
		return birth{pid, mgrBirth}
	case file == c.fake && runs(pid, c.program):
		return birth{pid, serverBirth}
	case file == c.fake && runs(pid, c.fake):
		return birth{pid, workerBirth}
	}
	return birth{}
}

// watched is a handle on a process that is held up, and a channel that is closed when it has ended.
func watched(pid int) (p *process, ended chan struct{}) {
	ended = make(chan struct{})
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		close(ended)
		return nil, ended
	}
	p = &process{pid: pid, fd: fd}
	go func() {
		defer close(ended)
		for p.alive() {
			poll(patience, p.fd)
		}
	}()
	return p, ended
}
