package pidfile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleEnv makes the test binary play a daemon instead of running the tests.
const roleEnv = "PIDFILE_TEST_ROLE"

// roles are the daemons. Each says "ready" on a line of its own when it is, and
// ends when its standard input does: so none outlives the test, however that
// ends.
var roles = map[string]func(){
	"good":     func() { ready(); leash() },
	"echo":     func() { ready(); _, _ = io.Copy(os.Stdout, os.Stdin) },
	"impostor": impostor,
	"reexec":   reexec,
	"zombie":   zombie,
	"headless": headless,
	"family":   family,
	"nest":     nest,
	"double":   double,
	"lock":     lockHolder,
	"hungry":   hungry,
	"usage":    usage,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		play, ok := roles[role]
		if !ok {
			fmt.Fprintf(os.Stderr, "no role %q\n", role)
			os.Exit(2)
		}
		play()
		os.Exit(0)
	}
	// Who has no leader of its group any more is taken for what a dead server left behind.
	if _, err := os.Stat(procPath(syscall.Getpgrp(), "stat")); err != nil {
		_ = syscall.Setpgid(0, 0)
	}
	os.Exit(m.Run())
}

func ready() { fmt.Println("ready") }

// leash waits until the test lets go.
func leash() { _, _ = io.Copy(io.Discard, os.Stdin) }

// patience is the deadline of whatever a test waits for.
const patience = 20 * time.Second

// The server that the tests are about.
var (
	serverArgv = []string{"/usr/bin/demo-server", "/etc/demo/1.conf"}
	serverID   = Identity{
		Commands: []string{"demo-server"}, Interpreters: []string{"python3"},
		Args: [][]string{{"/etc/demo/1.conf"}},
	}
)

// A daemon is the test binary playing a role.
type daemon struct {
	t   testing.TB
	cmd *exec.Cmd
	in  *os.File // its leash
	out *os.File
	// said are the pids that it named before it was ready, by their labels.
	said map[string]int
	rest *bufio.Reader
}

// start starts a daemon and waits until it is ready.
func start(t testing.TB, role string, argv []string, opts ...func(*exec.Cmd)) *daemon {
	t.Helper()
	d := launch(t, role, argv, opts...)
	for {
		line := d.line()
		if line == "ready" {
			return d
		}
		label, pid, ok := strings.Cut(line, " ")
		n, err := strconv.Atoi(pid)
		if !ok || err != nil {
			t.Fatalf("%s says %q", role, line)
		}
		d.said[label] = n
	}
}

// launch starts a daemon and does not wait.
func launch(t testing.TB, role string, argv []string, opts ...func(*exec.Cmd)) *daemon {
	t.Helper()
	d := &daemon{t: t, said: map[string]int{}}
	stdin, in, err := os.Pipe()
	check(t, err)
	defer stdin.Close()
	out, stdout, err := os.Pipe()
	check(t, err)
	defer stdout.Close()
	d.in, d.out, d.rest = in, out, bufio.NewReader(out)
	// /proc/self/exe: another user may not be able to reach the binary's path.
	d.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: argv, Env: playing(role),
		Stdin: stdin, Stdout: stdout, Stderr: os.Stderr, SysProcAttr: &syscall.SysProcAttr{},
	}
	for _, opt := range opts {
		opt(d.cmd)
	}
	check(t, d.cmd.Start())
	t.Cleanup(d.end)
	return d
}

// playing is the environment that makes the test binary play a role. The race
// detector would let it sleep for a second before it exits.
func playing(role string) []string {
	return append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0")
}

func setsid(c *exec.Cmd) { c.SysProcAttr.Setsid = true }

// nobody is an ordinary user.
const nobody = 65534

func asNobody(c *exec.Cmd) {
	c.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// line reads a line that the daemon says.
func (d *daemon) line() string {
	d.t.Helper()
	check(d.t, d.out.SetReadDeadline(time.Now().Add(patience)))
	line, err := d.rest.ReadString('\n')
	check(d.t, err)
	return strings.TrimSuffix(line, "\n")
}

// tell sends the daemon a line.
func (d *daemon) tell(line string) {
	d.t.Helper()
	_, err := d.in.WriteString(line + "\n")
	check(d.t, err)
}

// kill kills and reaps the daemon, and nothing that it started.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

// end kills and reaps the daemon, and lets go of all that it started.
func (d *daemon) end() {
	d.in.Close()
	d.out.Close()
	d.kill()
}

// handle opens a handle that is closed with the test.
func handle(t testing.TB, pid int) *Process {
	t.Helper()
	p, err := Open(pid)
	check(t, err)
	t.Cleanup(p.Close)
	return p
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// needRoot skips a test that only root can do.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// openDir opens a directory until the end of the test.
func openDir(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path)
	check(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// put writes a file below dir, and the directories that it needs.
func put(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := dir + "/" + name
	check(t, os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755))
	check(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// descriptors counts the open descriptors of this process.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(entries)
}

// settled ends the test when all descriptors are closed that it has opened: what closes
// them later, a garbage collector or a read that comes back, must not do it while
// another test counts.
func settled(t testing.TB) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		for deadline := time.Now().Add(patience); descriptors(t) > before; runtime.GC() {
			if time.Now().After(deadline) {
				open, _ := filepath.Glob("/proc/self/fd/*")
				for n, name := range open {
					to, _ := os.Readlink(name)
					open[n] += " " + to
				}
				t.Fatalf("%d descriptors, %d before: %q", descriptors(t), before, open)
			}
		}
	})
}

// viewOf is a view whose descriptor is closed with the test, and not whenever the
// garbage collector comes: others count descriptors.
func viewOf(t testing.TB) view {
	t.Helper()
	v := look()
	t.Cleanup(func() { v.held.Close() })
	return v
}
