package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
)

// backgroundMark is the environment variable that tells a program that it was started in the background by itself; its
// value is the descriptor that it closes when it is ready.
const backgroundMark = "FAKESERVER_BACKGROUND"

// wrappedMark tells a program that a wrapper started it.
const wrappedMark = "FAKESERVER_WRAPPED"

// launch starts the program again in the background, and is over: at once, or when that is ready.
func (s *server) launch() int {
	s.record("launch")
	if s.launcherExit >= 0 {
		return s.launcherExit
	}
	ready, err := s.again()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakeserver:", err)
		return 1
	}
	if s.daemonize == "late" {
		io.Copy(io.Discard, ready)
	}
	return 0
}

// again starts the program again, in a session of its own. What it gives ends when that is ready, or has ended.
func (s *server) again() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: os.Args, Env: append(os.Environ(), backgroundMark+"=3"),
		Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: []*os.File{w}, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	return r, cmd.Start()
}

// background says whether the program was started in the background by itself.
func background() bool { return os.Getenv(backgroundMark) != "" }

// tellLauncher tells the one that started it that it is ready.
func tellLauncher() {
	if fd, err := strconv.Atoi(os.Getenv(backgroundMark)); err == nil {
		syscall.Close(fd)
		os.Setenv(backgroundMark, "told") // a new image of the same process has nobody to tell
	}
}

// wrap starts the program again under another name, and is over when that is. Signals it takes and forgets.
func (s *server) wrap() int {
	s.record("wrap")
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{s.wraps}, os.Args[1:]...), Env: append(os.Environ(), wrappedMark+"=1"),
		Stdout: os.Stdout, Stderr: os.Stderr}
	if err := cmd.Run(); cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "fakeserver:", err)
		return 1
	}
	return max(cmd.ProcessState.ExitCode(), 0)
}

// writePidfile writes the server's pid as most daemons do: in place.
func (s *server) writePidfile() error {
	if s.pidfile == "" {
		return nil
	}
	return os.WriteFile(s.pidfile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
}

// removePidfile removes it if it is still its own.
func (s *server) removePidfile() {
	if s.pidfile == "" {
		return
	}
	if text, _ := os.ReadFile(s.pidfile); string(bytes.TrimSpace(text)) == strconv.Itoa(os.Getpid()) {
		os.Remove(s.pidfile)
	}
}

// fails says whether this start is among the first ones, which fail. The log counts them, this one too.
func (s *server) fails() bool {
	if s.failFirst == 0 {
		return false
	}
	text, _ := os.ReadFile(s.log())
	starts := slices.Collect(bytes.Lines(text))
	n := len(slices.DeleteFunc(starts, func(line []byte) bool { return !bytes.HasPrefix(line, []byte("start ")) }))
	return n <= s.failFirst
}
