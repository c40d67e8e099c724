package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A cell is what a case sees: a tree, and the programs.
type cell struct {
	*testing.T
	*tree
	program string // mgr
	fake    string
	shard   int
	shards  int
	mu      sync.Mutex
	figures map[string]int
}

func (c *cell) count(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.figures[name] += n
}

// fault counts what must not happen.
func (c *cell) fault(name, format string, args ...any) {
	c.Helper()
	c.count(name, 1)
	c.Errorf(name+": "+format, args...)
}

// must ends the case if the harness itself fails.
func (c *cell) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// A ran is one run of mgr.
type ran struct {
	code   int // -1: ended by a signal
	stdout string
	stderr string
	err    error // it did not end by itself, or somebody kept its stdout
}

func (r ran) String() string {
	return fmt.Sprintf("exit status %d, %v\n%s%s", r.code, r.err, r.stdout, r.stderr)
}

// mgr runs mgr to its end.
func (c *cell) mgr(args ...string) ran { return finish(c.command(c.program, args...), make(chan bool)) }

// command is a program with the tree's environment, to be run by finish. It is env(1) that executes it: a Go program that
// forks stands still until the child executes, and could not open a gate to it.
func (c *cell) command(program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	cmd := exec.CommandContext(ctx, "/usr/bin/env", append([]string{program}, args...)...)
	cmd.Dir, cmd.Env = "/", c.env
	cmd.WaitDelay = patience / 3 // for what inherited the pipes
	cmd.Cancel = func() error { defer cancel(); return cmd.Process.Kill() }
	return cmd
}

// finish runs a command to its end. It closes started when it has begun.
func finish(cmd *exec.Cmd, started chan bool) (r ran) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	r.err = cmd.Start()
	close(started)
	if r.err != nil {
		return ran{code: -1, err: r.err}
	}
	r.err = cmd.Wait()
	r.code, r.stdout, r.stderr = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	if errors.As(r.err, new(*exec.ExitError)) && r.code >= 0 {
		r.err = nil
	}
	return r
}

// runs says whether the process of this number runs the program now.
func runs(pid int, program string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && exe == program
}

// serversOf gives the numbers of the living servers of a conf: those that lead a session, which workers and stages do not
// count among.
func (c *cell) serversOf(conf string) (pids []int) {
	for _, p := range c.processes() {
		argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
		sid, err := unix.Getsid(p.pid)
		if runs(p.pid, c.fake) && bytes.HasSuffix(argv, []byte("\x00"+conf+"\x00")) && err == nil && sid == p.pid && p.alive() {
			pids = append(pids, p.pid)
		}
		p.close()
	}
	return pids
}

// wholePidfile is all that a pidfile of mgr may hold.
var wholePidfile = regexp.MustCompile(`^[1-9][0-9]*\n?$`)

// pidfiles reads every pidfile. What is no whole one, or something else but a hidden file of mgr's own, is among torn.
func (c *cell) pidfiles() (pids map[string]int, torn []string) {
	pids = map[string]int{}
	run := c.path("run")
	_ = filepath.WalkDir(run, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || path == run || strings.HasPrefix(e.Name(), ".mgr.") && filepath.Dir(path) == run {
			return nil
		}
		name, _ := filepath.Rel(run, path)
		data, err := os.ReadFile(path)
		if err != nil || !strings.HasSuffix(name, ".pid") || !wholePidfile.Match(data) {
			torn = append(torn, fmt.Sprintf("%s: %q", name, data))
			return nil
		}
		pids[name], _ = strconv.Atoi(strings.TrimSpace(string(data)))
		return nil
	})
	return pids, torn
}

// complaints are the lines on stderr that say what is wrong: hints, and limits of this machine, do not.
func complaints(stderr string) (lines []string, other bool) {
	for line := range strings.Lines(stderr) {
		switch {
		case strings.HasPrefix(line, "mgr: limit_"), strings.HasPrefix(line, "  "):
		case strings.HasPrefix(line, "mgr: "):
			lines = append(lines, line)
		default:
			other = true
		}
	}
	return lines, other
}
