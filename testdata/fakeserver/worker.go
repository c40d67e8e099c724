package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
)

// startWorker starts the program again with the same arguments, as a worker, or as what detaches one.
func (s *server) startWorker() {
	w := &exec.Cmd{Path: "/proc/self/exe", Args: os.Args, Env: append(os.Environ(), workerMark+"=1"),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setsid: s.workerSession && !s.workerDetach}}
	if s.workerName != "" {
		w.Args = append([]string{s.workerName}, os.Args[1:]...)
	}
	if s.workerDetach {
		w.Env = append(os.Environ(), workerMark+"="+detach)
	}
	if err := w.Start(); err != nil {
		s.record(fmt.Sprintf("worker failed: %v", err))
		return
	}
	if s.neglect {
		return
	}
	if s.workerDetach {
		w.Wait() // it ends at once
		return
	}
	s.running = append(s.running, w)
	go func() { // one waiter per worker: the kernel has no way to wait for a set of children that leaves others alone
		w.Wait()
		s.workerExits <- w
	}()
}

// detachWorker is the life of a worker's first parent.
func (s *server) detachWorker() int {
	s.workerDetach, s.neglect = false, true
	s.startWorker()
	return 0
}

func (s *server) forget(dead *exec.Cmd) {
	s.running = slices.DeleteFunc(s.running, func(w *exec.Cmd) bool { return w == dead })
}

// stopWorkers sends TERM to the workers and waits for them, except for such as are deaf to it: they stay behind, as the
// workers of a hurried parent do.
func (s *server) stopWorkers() {
	for _, w := range s.running {
		w.Process.Signal(syscall.SIGTERM)
	}
	if slices.Contains(s.workerIgnore, "TERM") {
		return
	}
	for len(s.running) > 0 {
		s.forget(<-s.workerExits)
	}
}

// work is the life of a worker: it waits for a signal that it obeys. USR2 is nothing but a probe.
func (s *server) work() int {
	s.recordStart("worker-start")
	for sig := range s.signals {
		s.record("worker-signal " + signalNames[sig])
		if sig != syscall.SIGUSR2 && !slices.Contains(s.workerIgnore, signalNames[sig]) {
			return 0
		}
	}
	return 1 // not reached: nobody closes the channel
}
