package server

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// firstLine is as much as the kernel reads of a file that it is to execute, up to
// the end of a line: BINPRM_BUF_SIZE of linux/binfmts.h.
func firstLine(file *os.File) string {
	line, _ := bufio.NewReaderSize(file, 256).ReadSlice('\n')
	return string(line)
}

// interpreters gives the base names of what runs the script at path: the
// program of its #! line, and for /usr/bin/env the one that it looks up
// (execve(2)). Nothing for a binary. The error is headOf's.
func interpreters(path string) ([]string, error) {
	head, err := headOf(path)
	rest, ok := strings.CutPrefix(head, "#!")
	if err != nil || !ok {
		return nil, err
	}
	var names []string
	for i, word := range strings.Fields(rest) {
		if i == 0 || !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
			names = append(names, filepath.Base(word))
		}
		if filepath.Base(names[0]) != "env" || len(names) == 2 {
			break
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	if names[0] == "env" {
		names = names[1:]
	}
	for _, name := range names {
		// An interpreter may itself be a link to its version: python3.11.
		if p, err := exec.LookPath(name); err == nil {
			if real, err := filepath.EvalSymlinks(p); err == nil {
				names = append(names, filepath.Base(real))
			}
		}
	}
	return names, nil
}

// Executable says why the kernel would not execute the command at path, which is
// there: the program of its #! line is not, or it is none at all.
func (i *Instance) Executable(path string) error {
	if err := i.may(path, unix.X_OK); err != nil {
		return err
	}
	head, err := headOf(path)
	if err != nil || head == "" {
		return err
	}
	if !strings.HasPrefix(head, "#!") && !strings.HasPrefix(head, "\x7fELF") {
		return errors.New("neither a script with a #! line nor a program")
	}
	interpreter, err := interpreterOf(head)
	if err != nil || interpreter == "" {
		return err
	}
	return i.may(interpreter, unix.X_OK)
}

// headOf gives the first line of a command's file, nothing if that may not be read: it
// may be executed all the same. The file may be a user's, who has put a FIFO there, or
// holds a lease on it: whoever opens that does not wait. The error is errNotRegular, or
// that there are too few descriptors.
func headOf(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if pidfile.Scarce(err) {
		return "", err
	}
	if err != nil {
		return "", nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errNotRegular
	}
	return firstLine(f), nil
}

// interpreterOf gives the program of a #! line, "" if there is no such line, or says
// why that program would not be executed.
func interpreterOf(head string) (string, error) {
	rest, script := strings.CutPrefix(head, "#!")
	if !script {
		return "", nil
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return "", errors.New("its #! line names no interpreter")
	}
	if err := unix.Access(words[0], unix.X_OK); err != nil {
		return "", fmt.Errorf("its interpreter %q: %w", words[0], err)
	}
	return words[0], nil
}

// interpreted says why what is to interpret the instance's command would not be
// executed. What is no script is left to the kernel: others than it may know the
// format (binfmt_misc).
func (i *Instance) interpreted() error {
	argv, err := i.fleet.words(i.Program, i.Program.Command[:1], i.unit())
	if err != nil {
		return err
	}
	c := i.fleet.look(argv[0])
	if c.err != nil {
		return nil // Preflight tells
	}
	if err := c.script(); err != nil {
		return fmt.Errorf("command %q: %w", c.path, err)
	}
	return nil
}
