package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRecycledWhileStopping lets servers, or workers of them, die while mgr stops them, at any moment of it, and an
// innocent have the pid at once. What mgr does in between is made slow by delays of system calls, at random. A trial is
// one mgr; HARNESS_RECYCLES says how many.
func TestRecycledWhileStopping(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("there is no strace to delay system calls with")
	}
	trials := 50
	if text := os.Getenv("HARNESS_RECYCLES"); text != "" {
		trials = atoi(t, text)
	}
	began := time.Now()
	f := harness(t, "recycle", trials)
	figure := fmt.Sprintf("recycle: %d trials, %d pids recycled while mgr ran (%d after the stop signal, %d a worker's), "+
		"%d innocents signalled, %d hangs, %d crashes", f.Trials, f.Recycled, f.AfterStop, f.OfWorkers, f.Signalled, f.Hangs, f.Crashes)
	fmt.Println("harness:", figure)
	t.Logf("%s; %v", figure, time.Since(began).Round(time.Millisecond))
	if f.Recycled < f.Trials/5 {
		t.Error("too few pids were recycled in time: this proves little")
	}
}

// A fate is how the server of a trial is, and how it dies.
type fate struct {
	conf string
	fake string        // its behaviour
	deaf bool          // it survives the stop signal; mgr is asked to kill
	wait time.Duration // the harness kills it within this time: from the start of mgr, or, if it is deaf, from the stop signal
}

var fates = []fate{
	{conf: "killed", wait: 80 * time.Millisecond},
	{conf: "stopping"},
	{conf: "killed-workers", fake: "workers = 2\nworker_session = yes\n", wait: 80 * time.Millisecond},
	{conf: "slow-workers", fake: "workers = 2\nworker_session = yes\nstop_delay = 60ms\n", wait: 80 * time.Millisecond},
	{conf: "deaf", fake: "ignore = TERM\n", deaf: true, wait: 120 * time.Millisecond},
	{conf: "deaf-killed-by-mgr", fake: "ignore = TERM\n", deaf: true},
	{conf: "deaf-workers", fake: "ignore = TERM\nworker_ignore = TERM\nworkers = 3\nworker_session = yes\n", deaf: true, wait: 120 * time.Millisecond},
	{conf: "deaf-workers-killed-by-mgr", fake: "ignore = TERM\nworker_ignore = TERM\nworkers = 3\nworker_session = yes\n", deaf: true},
}

const (
	recycled  = "object-server"
	recycling = "/proc/sys/kernel/ns_last_pid"
)

// recycle does this namespace's share of the trials.
func (w *world) recycle() error {
	for _, f := range fates {
		if err := w.create("conf/"+recycled+"/"+f.conf+".conf", "[fake]\n"+f.fake); err != nil {
			return err
		}
	}
	for n := w.Share; n < w.job.Trials; n += w.Shares {
		w.rnd = rand.New(rand.NewPCG(w.Seed, uint64(n)))
		if err := w.race(n, fates[w.rnd.IntN(len(fates))]); err != nil {
			return fmt.Errorf("trial %d: %w", n, err)
		}
		w.figures.Trials++
	}
	return nil
}

// delays are the words of the tracer that makes mgr slow: it is mgr's grandchild (-D), so that mgr is the child.
func (w *world) delays() []string {
	argv := []string{"strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null",
		"-e", "trace=pidfd_open,pidfd_send_signal,openat,read,?poll,?ppoll,?epoll_wait,?epoll_pwait"}
	for _, d := range []struct {
		calls, when string
		most        int // microseconds
	}{
		{"pidfd_open", "delay_exit", 20000}, {"pidfd_send_signal", "delay_enter", 20000}, {"openat", "delay_exit", 1500},
		{"read", "delay_exit", 1500}, {"?poll,?ppoll", "delay_exit", 3000}, {"?epoll_wait,?epoll_pwait", "delay_exit", 10000},
	} {
		if w.rnd.IntN(4) > 0 {
			argv = append(argv, "-e", fmt.Sprintf("inject=%s:%s=%d", d.calls, d.when, 1+w.rnd.IntN(d.most)))
		}
	}
	return argv
}

// race is one trial.
func (w *world) race(n int, f fate) error {
	server, err := w.launch(f)
	if err != nil {
		return err
	}
	argv := append(w.delays(), w.MGR, "stop", recycled+"."+f.conf)
	if f.deaf {
		argv = append(argv, "-k", strconv.FormatFloat(0.06*w.rnd.Float64(), 'f', 3, 64), "--kill-after-timeout")
	}
	e, err := w.set(fmt.Sprintf("trial %d", n), 0, argv)
	if err != nil {
		return err
	}
	mgr := &process{pid: e.Process.Pid}
	if mgr.fd, err = unix.PidfdOpen(mgr.pid, 0); err != nil {
		return err
	}
	defer mgr.close()
	victim, err := w.doom(f, server, mgr)
	if err != nil {
		return err
	}
	in, inTime, err := w.take(victim, mgr)
	if err != nil {
		return err
	}
	if inTime {
		w.Recycled++
		if w.signalled(f) {
			w.AfterStop++
		}
		if victim != server.Pid {
			w.OfWorkers++
		}
	}
	tale := w.end(e)
	if in != nil {
		if harm := in.harm(); harm != "" {
			w.note(&w.Signalled, "%s that got the pid %d was signalled: %s; the server was %q, pid %d; %s", in.what, victim, harm, f.conf, server.Pid, tale)
		}
		w.dismiss(in)
	}
	logs, err := filepath.Glob(w.path("log/swift-*"))
	for _, name := range logs {
		err = errors.Join(err, os.Remove(name))
	}
	return errors.Join(err, w.sweep(), os.RemoveAll(w.path("run")))
}

// launch starts a server, and makes its pidfile, when it is ready. It is a child of this process, which alone reaps it.
func (w *world) launch(f fate) (*os.Process, error) {
	pipe, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer pipe.Close()
	argv := []string{w.path("bin/swift-" + recycled), w.path("conf/" + recycled + "/" + f.conf + ".conf")}
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Dir: "/", Env: w.env, Files: []*os.File{w.leash, stdout, os.Stderr},
		Sys: &syscall.SysProcAttr{Setsid: true}})
	stdout.Close()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, pipe); err != nil { // it lets go of its stdout when it is ready
		return nil, err
	}
	return p, w.create("run/"+recycled+"/"+f.conf+".pid", strconv.Itoa(p.Pid)+"\n")
}

// signalled says whether the server has got the stop signal.
func (w *world) signalled(f fate) bool {
	return w.readLog("swift-"+recycled, recycled+"/"+f.conf+".conf").count("signal TERM") > 0
}

// doom awaits the death of the server, or of a worker, by mgr or, at a random moment, by the harness; and says whose pid
// is free then, or will be.
func (w *world) doom(f fate, server *os.Process, mgr *process) (victim int, err error) {
	victim = server.Pid
	if f.wait > 0 {
		if f.deaf {
			if err := w.watchLogs(func() bool { return w.signalled(f) }, mgr.fd); err != nil {
				return 0, err
			}
		}
		if _, err := poll(time.Duration(w.rnd.Int64N(int64(f.wait))), mgr.fd); err != nil {
			return 0, err
		}
		if workers := childrenOf(server.Pid); len(workers) > 0 && w.rnd.IntN(2) == 0 {
			victim = workers[w.rnd.IntN(len(workers))]
		}
		if err := unix.Kill(victim, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return 0, err
		}
	}
	if victim != server.Pid {
		return victim, nil // the server reaps it
	}
	p := process{pid: server.Pid}
	if p.fd, err = unix.PidfdOpen(p.pid, 0); err != nil {
		return 0, err
	}
	defer p.close()
	if _, err := poll(patience, p.fd, mgr.fd); err != nil || p.alive() {
		return victim, err
	}
	_, err = server.Wait()
	return victim, err
}

func childrenOf(pid int) (pids []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range threads {
		text, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// take makes an innocent with this pid, as soon as it is free: the kernel gives the number behind the last one. It is nil
// if mgr has ended before. inTime says that mgr was seen to run after.
func (w *world) take(pid int, mgr *process) (in *innocent, inTime bool, err error) {
	likes := []likeness{{argv: []string{"bash"}}, {argv: w.argv(recycled, "none")}, {argv: []string{"bash"}, children: 2},
		{argv: w.argv(recycled, "none"), children: 2}}
	l := likes[w.rnd.IntN(len(likes))]
	for mgr.alive() {
		if err := unix.Kill(pid, 0); err == nil {
			runtime.Gosched() // not reaped yet: the kernel has no event for that
			continue
		}
		if err := os.WriteFile(recycling, []byte(strconv.Itoa(pid-1)), 0); err != nil {
			return nil, false, err
		}
		pipe, stdout, err := os.Pipe()
		if err != nil {
			return nil, false, err
		}
		defer pipe.Close()
		p, err := w.blocked(l, stdout)
		stdout.Close()
		if err != nil {
			return nil, false, err
		}
		if p.Pid == pid {
			inTime = mgr.alive()
			in, err = w.adopt(fmt.Sprintf("%q with %d children", l.argv, l.children), p, pipe)
			return in, inTime, err
		}
		if err := p.Kill(); err != nil {
			return nil, false, err
		}
		if _, err := p.Wait(); err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}
