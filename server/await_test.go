package server

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// unreachable is a program that is ready at a port where nobody listens.
const unreachable = "[program:well]\ncommand = well\nready = tcp:127.0.0.1:1\n"

// TestProbeEnds: nobody goes on to look for a server that has ended.
func TestProbeEnds(t *testing.T) {
	g := newGrove(t, unreachable)
	g.write("bin/well", "#!/bin/sh\nexit 1\n", 0o755)
	probe := -1
	g.launch(Mode{}, "well", func(c *Child) bool {
		if probe < 0 {
			var err error
			if probe, err = unix.Dup(c.probing); err != nil {
				t.Fatal(err)
			}
		}
		return c.Exited
	})
	defer unix.Close(probe)
	over := []unix.PollFd{{Fd: int32(probe), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(over, int(patience/time.Millisecond))
		if err == unix.EINTR {
			continue
		}
		if n != 1 || over[0].Revents&unix.POLLHUP == 0 {
			t.Errorf("the probe goes on: %v, events %#x", err, over[0].Revents)
		}
		return
	}
}

// TestProbeBrokenOff: a server that nobody tries to reach any more was not reached.
func TestProbeBrokenOff(t *testing.T) {
	g := newGrove(t, unreachable+"startsecs = 0\n")
	g.write("bin/well", "#!/bin/sh\nexec sleep 1000\n", 0o755)
	ls, c := g.begin(Mode{}, "well")
	c.unprobe()
	left, err := ls.Until(func(c *Child) bool { return c.Executed && c.probing < 0 }, never, func(*Child) {})
	if err != nil || len(left) > 0 || c.Ready() {
		t.Errorf("%v, %d left, ready %t", err, len(left), c.Ready())
	}
}

// TestAddScarce: a child that cannot be watched is none, and takes no descriptors.
func TestAddScarce(t *testing.T) {
	g := newGrove(t, unreachable)
	g.write("bin/well", "#!/bin/sh\nexec sleep 1000\n", 0o755)
	if err := g.Open(pidfile.MakeIt); err != nil {
		t.Fatal(err)
	}
	i := g.servers(0, "well")[0].Instances[0]
	if err := i.TryLock(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.devNull(); err != nil {
		t.Fatal(err)
	}
	ls, err := NewLaunches(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ls.Close()
	before := descriptors(t)
	c, err := i.Launch(Mode{})
	if err != nil {
		t.Fatal(err)
	}
	scarce(t, func() { err = ls.Add(c) })
	c.Kill()
	_, _ = unix.Wait4(c.Process.PID(), nil, 0, nil)
	c.Process.Close()
	if !errors.Is(err, unix.EMFILE) || len(ls.Children) != 0 {
		t.Errorf("%v, %d children", err, len(ls.Children))
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// TestDueMeanwhile: a server that comes due while it is looked at is looked at again,
// and not only when its time is up.
func TestDueMeanwhile(t *testing.T) {
	g := newGrove(t, "[program:well]\ncommand = well\nready = stdout-close\n")
	g.write("bin/well", "#!/bin/sh\necho careful; exec >/dev/null 2>&1 sleep 1000\n", 0o755)
	c := g.launch(Mode{}, "well", func(c *Child) bool {
		is := c.Ready()
		if c.Closed {
			time.Sleep(time.Until(c.watched())) // the look takes long
		}
		return is
	})
	if time.Since(c.Started) >= patience {
		t.Error("it was looked at again when its time was up")
	}
}

// TestChatter: a server that never stops to write is late like any other.
func TestChatter(t *testing.T) {
	g := newGrove(t, "[program:well]\ncommand = well\nready = stdout-close\n")
	g.write("bin/well", "#!/bin/sh\nexec sleep 1000\n", 0o755)
	ls, c := g.begin(Mode{}, "well")
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[1])
	ls.drop(&c.output)
	c.output = pipe[0]
	if err := ls.waiter.Add(c.output, keyOutput); err != nil {
		t.Fatal(err)
	}
	chatter := func(*Child) bool {
		if _, err := unix.Write(pipe[1], []byte("y\n")); err != nil {
			t.Fatal(err)
		}
		return false
	}
	limit := func(*Child) time.Duration { return 100 * time.Millisecond }
	left, err := ls.Until(chatter, limit, func(*Child) {})
	if err != nil || len(left) != 1 || ls.ctx.Err() != nil {
		t.Errorf("%v, %d left, %v: want it given up on in time", err, len(left), ls.ctx.Err())
	}
}

// TestLastWords: the last that a server wrote is what is kept, whatever it wrote before.
func TestLastWords(t *testing.T) {
	g := newGrove(t, "[program:well]\ncommand = well\nready = stdout-close\n")
	g.write("bin/well", "#!/bin/sh\nprintf %050000d 0\necho bye\nexit 1\n", 0o755)
	ls, c := g.begin(Mode{}, "well")
	c.Output = make([]byte, maxOutput)
	if c.Process.Await(time.Now().Add(patience)); !c.Process.Exited() {
		t.Fatal("it does not end") // the pipe holds all of that
	}
	left, err := ls.Until(ended, never, func(*Child) {})
	if err != nil || len(left) > 0 || !bytes.HasSuffix(c.Output, []byte("0bye\n")) {
		t.Errorf("%v, %d left, the end is %.20q", err, len(left), c.Output[max(0, len(c.Output)-10):])
	}
}

// TestReapLater: who traces a server may keep the kernel from telling how it has ended.
// It is asked again, and not all the time.
func TestReapLater(t *testing.T) {
	g := newGrove(t, "[program:well]\ncommand = well\n")
	g.write("bin/well", "#!/bin/sh\nexec sleep 1000\n", 0o755)
	ls, c := g.begin(Mode{}, "well")
	gone := exec.Command("true")
	if err := gone.Start(); err != nil {
		t.Fatal(err)
	}
	handle, err := pidfile.Open(gone.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Wait()
	lives := c.Process
	ls.waiter.Remove(lives.FD())
	c.Process = pidfile.FromPidfd(lives.PID(), handle.FD()) // it has ended, and nobody tells how
	if err := ls.waiter.Add(handle.FD(), keyProcess); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lives.Signal(unix.SIGKILL) }()
	if _, err := ls.Until(func(c *Child) bool { return c.later != nil && !c.later.reapAt.IsZero() }, never, func(*Child) {}); err != nil {
		t.Fatal(err)
	}
	ls.drop(&c.report)
	if keys, err := ls.waiter.Wait(time.Now()); err != nil || len(keys) > 0 {
		t.Errorf("it is asked all the time: %v, %v", keys, err)
	}
	_ = lives.Signal(unix.SIGKILL)
	left, err := ls.Until(ended, never, func(*Child) {})
	if err != nil || len(left) > 0 || c.Status.Signal() != unix.SIGKILL {
		t.Errorf("%v, %d left, %s", err, len(left), c.Died())
	}
}

// TestProcesses: a snapshot serves for all that were to be looked for before it was taken.
func TestProcesses(t *testing.T) {
	var l Launches
	due := time.Now()
	first, err := l.processes(due)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := l.processes(due); err != nil || again != first {
		t.Errorf("it is taken again: %v", err)
	}
	if later, err := l.processes(time.Now()); err != nil || later == first {
		t.Errorf("an old one is given: %v", err)
	}
}

// scarce calls f while no descriptor is left.
func scarce(t *testing.T, f func()) {
	t.Helper()
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	next, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(next)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: had.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &had)
	f()
}
