package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"

	"golang.org/x/sys/unix"
)

// tracing are the arguments of the tracer. But for both it lets go of whatever executes another program.
func (s *sweeper) tracing(p point) []string {
	args := []string{"-f", "-I", "2", "-o", s.path("log/trace"), "-e", "trace=" + p.call}
	if p.whom != "both" {
		args = append(args, "-b", "execve")
	}
	if p.nth > 0 {
		args = append(args, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", p.call, p.nth))
	}
	return args
}

// letGo makes the tracer of both let go of the server, if that is left. In the middle of an execution, or of mgr's end, it
// would not come to its own end: so its trace is to tell of both. It sees a signal at the next event: a probe.
func (s *sweeper) letGo(tracer *os.Process, mgr int, server *process) {
	over := regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\+\+\+`, mgr))
	s.must(s.watchLogs(func() bool {
		trace, err := os.ReadFile(s.path("log/trace"))
		return err == nil && over.Match(trace) && s.serves()
	}, server.fd))
	if server.alive() {
		_ = tracer.Signal(unix.SIGTERM)
		_ = unix.PidfdSendSignal(server.fd, unix.SIGUSR2, nil, 0)
	}
}

// serves says whether the server has executed: it has written its first line.
func (s *sweeper) serves() bool {
	return s.readLog("swift-object-server", "object-server/1.conf").count("start ") > 0
}

// attach traces a stage that is held up.
func (s *sweeper) attach(p point, pid int) (ended chan struct{}) {
	cmd := s.command(s.strace, append(s.tracing(p), "-p", fmt.Sprint(pid))...)
	stderr, err := cmd.StderrPipe()
	s.must(err)
	s.must(cmd.Start())
	var said []byte
	for buf := make([]byte, 1024); !bytes.Contains(said, []byte(" attached")); {
		n, err := stderr.Read(buf)
		if said = append(said, buf[:n]...); err != nil {
			s.Fatalf("strace -p: %s", said)
		}
	}
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, stderr)
		cmd.Wait()
	}()
	return ended
}
