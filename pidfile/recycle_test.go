package pidfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const namespaceEnv = "PIDFILE_TEST_NAMESPACE"

// inNamespace runs a test as root in namespaces of its own, in another process.
func inNamespace(t *testing.T, flags uintptr, test func(*testing.T)) {
	t.Helper()
	needRoot(t)
	if os.Getenv(namespaceEnv) == t.Name() {
		if flags&unix.CLONE_NEWNS != 0 {
			check(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		}
		test(t)
		return
	}
	c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), namespaceEnv+"="+t.Name(), "GORACE=atexit_sleep_ms=0")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	if errors.Is(err, unix.EPERM) {
		t.Skip("cannot make namespaces:", err)
	}
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in the namespace: %v", err)
	}
}

// startAs starts a daemon that gets the number of one that has ended.
func startAs(t *testing.T, pid int, argv []string) *daemon {
	t.Helper()
	for range 100 { // the runtime starts threads, which take numbers too
		check(t, os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0))
		d := launch(t, "echo", argv, setsid)
		if d.pid() == pid {
			if line := d.line(); line != "ready" {
				t.Fatal(line)
			}
			return d
		}
		d.end()
	}
	t.Fatalf("pid %d does not come again", pid)
	return nil
}

// TestRecycled forces the number of a server that has ended upon others. What
// was opened before must never reach them, and what the pidfile names must not
// be taken for the server.
func TestRecycled(t *testing.T) {
	inNamespace(t, unix.CLONE_NEWPID|unix.CLONE_NEWNS, func(t *testing.T) {
		check(t, unix.Mount("proc", "/proc", "proc", 0, ""))
		tree := t.TempDir()
		dir := openDir(t, tree)
		successors := [][]string{{"innocent"}, {"/usr/bin/demo-server", "/etc/demo/11.conf"}, {"tail", "-f", "/usr/bin/demo-server"}, serverArgv}
		for n := range 20 {
			server := start(t, "good", serverArgv, setsid)
			put(t, tree, "x.pid", fmt.Sprintln(server.pid()))
			f := dir.Inspect("x.pid", serverID)
			if f.State != Running {
				t.Fatalf("before: %v, %v", f.State, f.Err)
			}
			server.end()
			argv := successors[n%len(successors)]
			successor := startAs(t, server.pid(), argv)
			for _, sig := range []unix.Signal{0, unix.SIGTERM, unix.SIGKILL} {
				if err := f.Process.Signal(sig); !errors.Is(err, ErrGone) {
					t.Errorf("signal %d to %q: %v", sig, argv, err)
				}
			}
			if state, err := f.Process.verify(viewOf(t), serverID, time.Time{}); state != Dead {
				t.Errorf("the old handle: %v, %v", state, err)
			}
			if family, err := mustReadTree(t).Family(f.Process); err != nil || len(family) > 0 {
				t.Errorf("the old handle has a family of %d, %v", len(family), err)
			}
			f.Process.Close()
			want := Foreign
			if n%len(successors) == 3 {
				want = Running // the same server again: nothing tells them apart, nor has to
			}
			again := dir.Inspect("x.pid", serverID)
			again.Process.Close()
			if again.State != want || again.Record.PID != successor.pid() {
				t.Errorf("%q: %v of %d, %v", argv, again.State, again.Record.PID, again.Err)
			}
			successor.tell("alive?")
			if line := successor.line(); line != "alive?" {
				t.Errorf("%q says %q", argv, line)
			}
			successor.end()
		}
	})
}

// TestOtherProc looks with a /proc that shows other processes than ours.
func TestOtherProc(t *testing.T) {
	inNamespace(t, unix.CLONE_NEWPID, func(t *testing.T) {
		tree := t.TempDir()
		dir := openDir(t, tree)
		put(t, tree, "x.pid", fmt.Sprintln(start(t, "good", serverArgv, setsid).pid()))
		f := dir.Inspect("x.pid", serverID)
		if f.State != Unknown || f.Err == nil || !strings.Contains(f.Err.Error(), "another pid namespace") {
			t.Errorf("%v, %v", f.State, f.Err)
		}
	})
}

// TestNested finds a container's server under a number of a pidfile.
func TestNested(t *testing.T) {
	needRoot(t)
	d := launch(t, "good", serverArgv, setsid, func(c *exec.Cmd) { c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID })
	if line := d.line(); line != "ready" {
		t.Fatal(line)
	}
	state, err := verdict(t, d.pid(), serverID)
	var fe *ForeignError
	if state != Foreign || !errors.As(err, &fe) || !fe.Nested || fe.Same {
		t.Errorf("%v, %v", state, err)
	}
}

// TestNoProc looks without a /proc at all: nothing is told of anybody.
func TestNoProc(t *testing.T) {
	inNamespace(t, unix.CLONE_NEWNS, func(t *testing.T) {
		tree := t.TempDir()
		dir := openDir(t, tree)
		server := start(t, "good", serverArgv, setsid)
		put(t, tree, "x.pid", fmt.Sprintln(server.pid()))
		check(t, unix.Mount("tmpfs", "/proc", "tmpfs", 0, ""))
		if f := dir.Inspect("x.pid", serverID); f.State != Unknown {
			t.Errorf("%v, %v", f.State, f.Err)
		}
		if tree, err := ReadTree(); err == nil && len(tree.stats) > 0 {
			t.Errorf("a tree of %d", len(tree.stats))
		}
	})
}
