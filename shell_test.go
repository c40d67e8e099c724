package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A shell is an interactive shell on a terminal of its own. Its ^O has to write
// its command line to $ANSWERS, and empty it; so has its start, with "ready".
type shell struct {
	terminal *os.File // the side that a user sits at
	answers  *bufio.Reader
	fifo     *os.File

	mu     sync.Mutex
	screen bytes.Buffer // all that it wrote
}

// startShell starts a shell in dir, its home, or skips the test.
func startShell(t *testing.T, name string, argv []string, dir string, env ...string) *shell {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	s := &shell{}
	answers := filepath.Join(dir, "answers")
	if err := unix.Mkfifo(answers, 0o600); err != nil {
		t.Fatal(err)
	}
	if s.fifo, err = os.OpenFile(answers, os.O_RDWR|unix.O_NONBLOCK, 0); err != nil {
		t.Fatal(err)
	}
	s.answers = bufio.NewReader(s.fifo)
	var tty *os.File
	s.terminal, tty = openTerminal(t)
	cmd := exec.Command(path, argv...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(env, "ANSWERS="+answers, "HOME="+dir, "ZDOTDIR="+dir, "TMPDIR="+dir, "XDG_RUNTIME_DIR="+dir,
		"TERM=xterm", "PS1=> ", "HISTFILE=", "INPUTRC=/dev/null")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	// A goroutine, since a shell whose screen nobody reads stands still.
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(writer(s.write), s.terminal) // ends with EIO when the shell has
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		<-read
		s.terminal.Close()
		s.fifo.Close()
	})
	if got := s.answer(t); got != "ready" {
		t.Fatalf("%s: %q", name, got)
	}
	return s
}

// A writer is a function that writes.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func (s *shell) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.Write(p)
}

// openTerminal gives the two sides of a terminal, pty(7).
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	fd := int(user.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200})
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return user, program
}

// answer awaits a line that the shell tells.
func (s *shell) answer(t *testing.T) string {
	t.Helper()
	if err := s.fifo.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line, err := s.answers.ReadString('\n')
	if err != nil {
		t.Fatalf("%v; on the screen:\n%q", err, s.wrote())
	}
	return strings.TrimSuffix(line, "\n")
}

// types types keys, and gives the command line that comes of them.
func (s *shell) types(t *testing.T, keys string) string {
	t.Helper()
	if _, err := s.terminal.WriteString(keys + "\x0f"); err != nil {
		t.Fatal(err)
	}
	return s.answer(t)
}

// wrote is all that has come to the screen.
func (s *shell) wrote() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}
