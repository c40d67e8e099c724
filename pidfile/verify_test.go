package pidfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// child makes a command that plays a role below this process, on its leash.
func child(role string, argv []string) *exec.Cmd {
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: argv, Env: playing(role),
		Stdin: os.Stdin, Stderr: os.Stderr, SysProcAttr: &syscall.SysProcAttr{},
	}
}

// must ends a role that cannot go on.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// impostor becomes something else under the same pid when it is told to.
func impostor() {
	ready()
	var line [1]byte
	_, err := os.Stdin.Read(line[:])
	must(err)
	must(syscall.Exec("/proc/self/exe", []string{"innocent"}, playing("good")))
}

const timesEnv = "PIDFILE_TEST_TIMES"

// reexec executes itself again and again, as on a seamless reload.
func reexec() {
	n, err := strconv.Atoi(os.Getenv(timesEnv))
	must(err)
	if n > 0 {
		must(os.Setenv(timesEnv, strconv.Itoa(n-1)))
		must(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	}
	ready()
	leash()
}

// zombie has a child that has ended and that it does not reap.
func zombie() {
	c := child("good", os.Args)
	c.Stdin = nil // no leash
	must(c.Start())
	must(unix.Waitid(unix.P_PID, c.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	fmt.Println("zombie", c.Process.Pid)
	ready()
	leash()
}

// headless ends its first thread and goes on with the others.
func headless() {
	for range 100 {
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
			}
			leash()
		}()
	}
	for {
		if st, err := stat(os.Getpid()); err == nil && st.State == 'Z' {
			break
		}
		runtime.Gosched()
	}
	ready()
	leash()
}

// verdict is what verify says of a process, the same with and without what newer
// kernels tell through the handle.
func verdict(t *testing.T, pid int, id Identity) (State, error) {
	t.Helper()
	state, err := handle(t, pid).verify(view{}, id, time.Time{})
	quick, quickErr := handle(t, pid).verify(viewOf(t), id, time.Time{})
	if quick != state || fmt.Sprint(quickErr) != fmt.Sprint(err) {
		t.Errorf("pid %d: %v, %v, from /proc alone %v, %v", pid, quick, quickErr, state, err)
	}
	return quick, quickErr
}

// TestVerifyLaunched looks at processes right after they were started, when
// their command line may read empty.
func TestVerifyLaunched(t *testing.T) {
	for range 50 {
		d := launch(t, "good", serverArgv, setsid)
		if state, err := verdict(t, d.pid(), serverID); state != Running {
			t.Fatalf("%v, %v", state, err)
		}
		d.end()
	}
}

// TestVerifyExec looks at a process that executes itself all the time.
func TestVerifyExec(t *testing.T) {
	d := launch(t, "reexec", serverArgv, setsid, func(c *exec.Cmd) { c.Env = append(c.Env, timesEnv+"=30") })
	p := handle(t, d.pid())
	over := make(chan string, 1)
	go func() { over <- d.line() }()
	v := viewOf(t)
	for n := 0; ; n++ {
		if state, err := p.verify(v, serverID, time.Time{}); state != Running {
			t.Fatalf("look %d: %v, %v", n, state, err)
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

func TestVerifyImpostor(t *testing.T) {
	d := start(t, "impostor", serverArgv, setsid)
	p := handle(t, d.pid())
	if state, err := p.verify(viewOf(t), serverID, time.Time{}); state != Running {
		t.Fatalf("%v, %v", state, err)
	}
	d.tell("")
	if line := d.line(); line != "ready" {
		t.Fatal(line)
	}
	state, err := p.verify(viewOf(t), serverID, time.Time{})
	var fe *ForeignError
	if state != Foreign || !errors.As(err, &fe) || fe.Argv[0] != "innocent" || fe.Same || fe.PID != d.pid() {
		t.Errorf("%v, %v", state, err)
	}
}

// TestVerifyEnd looks at a process before it ends, as a zombie, and when it is
// reaped.
func TestVerifyEnd(t *testing.T) {
	d := start(t, "good", serverArgv)
	p := handle(t, d.pid())
	if p.Exited() || p.Exiting() {
		t.Error("has ended before it did")
	}
	p.Await(time.Now()) // a deadline that has passed
	check(t, p.Signal(unix.SIGKILL))
	p.Await(time.Now().Add(patience))
	if state, err := p.verify(viewOf(t), serverID, time.Time{}); state != Dead || err != nil || !p.Exited() || !p.Exiting() || StateOf(d.pid()) != "Z" {
		t.Errorf("zombie: %v, %v, state %s", state, err, StateOf(d.pid()))
	}
	check(t, p.Signal(0)) // a zombie takes signals
	d.end()
	if state, err := p.verify(viewOf(t), serverID, time.Time{}); state != Dead || err != nil || !p.Exiting() || StateOf(d.pid()) != "?" {
		t.Errorf("reaped: %v, %v", state, err)
	}
	if err := p.Signal(0); !errors.Is(err, ErrGone) {
		t.Errorf("signal to the reaped: %v", err)
	}
}

func TestVerifyKernelThread(t *testing.T) {
	if st, err := stat(2); err != nil || !st.kernel() {
		t.Skip("needs kernel threads in this pid namespace")
	}
	state, err := verdict(t, 2, Identity{Commands: []string{"kthreadd"}, Match: func(string) bool { return true }})
	if state != Foreign || err == nil || !strings.Contains(err.Error(), "[kthreadd]") {
		t.Errorf("%v, %v", state, err)
	}
}

// TestVerifyHeadless: a process whose first thread has ended shows no command
// line, but has not ended.
func TestVerifyHeadless(t *testing.T) {
	d := start(t, "headless", serverArgv)
	p := handle(t, d.pid())
	if state, err := p.verify(viewOf(t), serverID, time.Time{}); state != Unknown || err == nil || p.Exited() {
		t.Errorf("%v, %v, exited %v", state, err, p.Exited())
	}
	tree, err := ReadTree()
	check(t, err)
	if _, ok := tree.stats[d.pid()]; !ok {
		t.Error("not in the tree")
	}
}

// TestVerifyWorker tells workers of the server from the server.
func TestVerifyWorker(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	for label, want := range map[string]State{
		"fork": Foreign, "setpgid": Foreign, "grandchild": Foreign,
		"setsid": Foreign,
		"double": Running, // its parent is gone
	} {
		state, err := verdict(t, d.said[label], serverID)
		var fe *ForeignError
		if state != want || want == Foreign && (!errors.As(err, &fe) || fe.Worker == 0 || !strings.Contains(err.Error(), "only a worker")) {
			t.Errorf("%s: %v, %v, want %v", label, state, err, want)
		}
	}
	if state, err := verdict(t, d.pid(), serverID); state != Running {
		t.Errorf("the server: %v, %v", state, err)
	}
	// Started by hand, not as a session's leader: the test is no server.
	if state, err := verdict(t, start(t, "good", serverArgv).pid(), serverID); state != Running {
		t.Errorf("by hand: %v, %v", state, err)
	}
}

func TestOpen(t *testing.T) {
	self := handle(t, os.Getpid())
	if self.PID() != os.Getpid() || self.FD() < 0 || self.Exited() {
		t.Errorf("ourselves: %+v", self)
	}
	pids := map[int]error{
		0: ErrMalformed, 1: ErrMalformed, -1: ErrMalformed, -os.Getpid(): ErrMalformed,
		maxPID + 1: ErrMalformed, maxPID: ErrGone,
	}
	if far := int64(1)<<32 + int64(os.Getpid()); int64(int(far)) == far { // an int32 would hold this process's pid of it
		pids[int(far)] = ErrMalformed
	}
	for pid, want := range pids {
		if p, err := Open(pid); !errors.Is(err, want) || p != nil {
			t.Errorf("Open(%d): %v, want %v", pid, err, want)
		}
	}
	// A thread is no process.
	tid, over := make(chan int), make(chan struct{})
	defer close(over)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		<-over
	}()
	if n := <-tid; n != os.Getpid() {
		if _, err := Open(n); !errors.Is(err, ErrGone) {
			t.Errorf("a thread: %v", err)
		}
	}
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	check(t, err)
	p := FromPidfd(os.Getpid(), fd)
	check(t, p.Signal(0))
	p.Close()
	p.Close()
	var none *Process
	none.Close()
	if err := p.Signal(0); !errors.Is(err, unix.EBADF) {
		t.Errorf("signal through a closed handle: %v", err)
	}
}

func TestSignalNotPermitted(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user: root may signal everybody")
	}
	st, err := os.Stat("/proc/1")
	check(t, err)
	if st.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Skip("needs a process of root's")
	}
	fd, err := unix.PidfdOpen(1, 0)
	check(t, err)
	p := FromPidfd(1, fd)
	defer p.Close()
	if err := p.Signal(0); !errors.Is(err, unix.EPERM) {
		t.Errorf("signal to init: %v", err)
	}
}
