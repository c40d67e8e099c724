package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What a case of the harness starts, kills and mounts is in a pid and a mount namespace of its own, and is gone when the
// first process there is. So the test binary runs in three roles: the test itself, which builds the programs and adds up
// the figures; the first process of a namespace; and the case, which does the work.
const (
	partVariable  = "HARNESS_PART"  // unset: the test; first; case
	placeVariable = "HARNESS_PLACE" // the directory of the programs and the figures
	shardVariable = "HARNESS_SHARD" // the number of the namespace, from 0
)

// An experiment is one test of the harness: it prints a line of figures.
type experiment struct {
	name   string
	counts []string // what is counted
	zeros  []string // what must not happen
	shards int      // namespaces that work on it at the same time
	run    func(c *cell)
}

// conduct is the whole of a test function.
func (e experiment) conduct(t *testing.T) {
	if os.Getenv(partVariable) == "case" {
		e.conductCase(t)
		return
	}
	if testing.Short() {
		t.Skip("it takes its time")
	}
	needsNamespaces(t)
	place, err := os.MkdirTemp("", "harness")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	if err := os.Chmod(place, 0o755); err != nil { // another user runs mgr too
		t.Fatal(err)
	}
	build(t, filepath.Join(place, "mgr"), ".")
	build(t, filepath.Join(place, "fakeserver"), "./testdata/fakeserver")
	begun, ended := time.Now(), make(chan error)
	for shard := range e.shards {
		go func() { ended <- e.namespace(t, place, shard) }()
	}
	for range e.shards {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	e.report(t, place, time.Since(begun))
}

// namespace runs the test again in a namespace.
func (e experiment) namespace(t *testing.T, place string, shard int) error {
	cmd, out := alone(t.Name())
	cmd.Env = append(cmd.Env, placeVariable+"="+place, shardVariable+"="+strconv.Itoa(shard), "TMPDIR="+place)
	if err := runOnLeash(cmd); err != nil {
		return fmt.Errorf("namespace %d: %w\n%s", shard, err, out)
	}
	return nil
}

// alone is the test of that name as it runs in new namespaces with no other test, and what it prints.
func alone(name string, flags ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command("/proc/self/exe", append(flags, "-test.run=^"+name+"$", "-test.timeout=30m")...)
	cmd.Env = append(os.Environ(), partVariable+"=first")
	cmd.SysProcAttr = newNamespaces()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// runOnLeash runs a command with a stdin that nobody writes to: who reads it sees the end of the test.
func runOnLeash(cmd *exec.Cmd) error {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	return cmd.Run()
}

// beFirst is the first process of a namespace: it takes the zombies, and ends with the case or with the test.
func beFirst() {
	go func() { // to see the end of the test
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	err := errors.Join(
		ownMounts(),
		os.Setenv(partVariable, "case"))
	null, e := os.Open(os.DevNull)
	if err = errors.Join(err, e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	child, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{null.Fd(), 1, 2}})
	for err == nil || errors.Is(err, unix.EINTR) {
		var (
			status unix.WaitStatus
			pid    int
		)
		if pid, err = unix.Wait4(-1, &status, 0, nil); pid == child {
			os.Exit(status.ExitStatus())
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (e experiment) conductCase(t *testing.T) {
	place := os.Getenv(placeVariable)
	shard, err := strconv.Atoi(os.Getenv(shardVariable))
	if err != nil {
		t.Fatal(err)
	}
	c := &cell{T: t, shard: shard, shards: e.shards, figures: map[string]int{}}
	// Programs of its own: what is executed in one namespace must not be seen in another.
	c.program, c.fake = filepath.Join(place, fmt.Sprint("mgr", shard)), filepath.Join(place, fmt.Sprint("fakeserver", shard))
	c.must(copyProgram(filepath.Join(place, "mgr"), c.program))
	c.must(copyProgram(filepath.Join(place, "fakeserver"), c.fake))
	if c.tree, err = newTree(side{}, c.fake); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.root, 0o755); err != nil {
		t.Fatal(err)
	}
	defer func() { // whatever becomes of the case
		data, _ := json.Marshal(c.figures)
		if err := os.WriteFile(figuresFile(place, shard), data, 0o644); err != nil {
			t.Error(err)
		}
	}()
	e.run(c)
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func figuresFile(place string, shard int) string {
	return filepath.Join(place, fmt.Sprintf("figures%d", shard))
}

// report prints the line of figures.
func (e experiment) report(t *testing.T, place string, took time.Duration) {
	t.Helper()
	sums := map[string]int{}
	for shard := range e.shards {
		var figures map[string]int
		data, err := os.ReadFile(figuresFile(place, shard))
		if err == nil {
			err = json.Unmarshal(data, &figures)
		}
		if err != nil {
			t.Error(err)
		}
		for name, n := range figures {
			sums[name] += n
		}
	}
	var words []string
	for _, name := range append(e.counts, e.zeros...) {
		words = append(words, fmt.Sprintf("%d %s", sums[name], name))
		delete(sums, name)
	}
	if len(sums) > 0 {
		t.Errorf("figures that nobody knows of: %v", sums)
	}
	fmt.Printf("harness: %s: %s (%.1f s)\n", e.name, strings.Join(words, ", "), took.Seconds())
}
