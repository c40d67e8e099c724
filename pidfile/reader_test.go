package pidfile

import (
	"errors"
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

// A stuck is a read that does not come back before it is let go of.
type stuck struct{ from, to *os.File }

func newStuck(t *testing.T) *stuck {
	from, to, err := os.Pipe()
	check(t, err)
	s := &stuck{from, to}
	t.Cleanup(func() {
		s.release()
		from.Close()
	})
	return s
}

func (s *stuck) read() { _, _ = s.from.Read(make([]byte, 1)) }

func (s *stuck) release() { s.to.Close() }

func TestReader(t *testing.T) {
	const short = 400 * time.Millisecond
	rd, s, own := &Reader{Patience: short}, newStuck(t), os.Getpid()
	began := time.Now()
	err := rd.within(own, "first", s.read)
	var be *BlockedError
	if !errors.As(err, &be) || be.PID != own || be.Path != procPath(own, "first") || be.Since.Before(began) || !Blocked(err) {
		t.Fatalf("a read that hangs: %v", err)
	}
	rd.spent[uint32(os.Getuid())] = short // on a busy machine it may have been more
	if again := rd.within(own, "first", func() { t.Error("it was tried again") }); again != err {
		t.Errorf("the same again: %v", again)
	}
	if wait, err := rd.left(own, "second"); wait != short/nextPatience || err != nil {
		t.Errorf("left for another one of the same user: %v, %v", wait, err)
	}
	if os.Geteuid() == 0 {
		if wait, err := rd.left(start(t, "good", serverArgv, asNobody).pid(), "first"); wait < short/2 || err != nil {
			t.Errorf("left for another user: %v, %v", wait, err)
		}
	}
	rd.Patience = patience // one that does not hang may be slow
	if argv, err := rd.cmdline(own); err != nil || argv[0] != os.Args[0] {
		t.Errorf("a healthy one beside it: %q, %v", argv, err)
	}
	s.release()
	comesBack(t, rd, own, "first")
}

// comesBack waits until rd reads again what was blocked.
func comesBack(t *testing.T, rd *Reader, pid int, name string) {
	t.Helper()
	var err error
	for until := time.Now().Add(patience); time.Now().Before(until); runtime.Gosched() {
		read := false // of this try: one that is left behind may still write it
		if err = rd.within(pid, name, func() { read = true }); err != nil {
			continue
		}
		if !read {
			t.Error("once it has come back it is not read")
		}
		return
	}
	t.Errorf("once it has come back: %v", err)
}

// No user may have more threads wait than Go has.
func TestReaderMany(t *testing.T) {
	rd, s, own := &Reader{Patience: time.Millisecond}, newStuck(t), os.Getpid()
	for n := range maxBlocked {
		if err := rd.within(own, strconv.Itoa(n), s.read); !Blocked(err) {
			t.Fatalf("read %d: %v", n, err)
		}
	}
	err := rd.within(own, "more", func() { t.Error("it was tried") })
	var be *BlockedError
	if !errors.As(err, &be) || !be.Since.IsZero() {
		t.Errorf("one more: %v", err)
	}
}

// Who has many user ids keeps nobody waiting for as many times the patience.
func TestReaderManyUsers(t *testing.T) {
	rd := &Reader{spent: map[uint32]time.Duration{}, blocked: map[string]*blockedRead{}}
	if wait := rd.allowance(0); wait != rd.patience() {
		t.Errorf("the first one is waited for %v", wait)
	}
	var all time.Duration
	for n := range uint32(maxBlockedInAll) {
		wait := rd.allowance(n + 1)
		rd.spent[n+1] = wait
		rd.blocked[strconv.Itoa(int(n))] = &blockedRead{uid: n + 1}
		all += wait
	}
	if all > 3*allPatience*rd.patience() {
		t.Errorf("all of them are waited for %v", all)
	}
	if wait, err := rd.left(os.Getpid(), "cmdline"); wait <= 0 || err != nil {
		t.Errorf("the caller's own are read no more: %v, %v", wait, err)
	}
	if os.Geteuid() == 0 {
		if _, err := rd.left(start(t, "good", serverArgv, asNobody).pid(), "cmdline"); !Blocked(err) {
			t.Errorf("one more is tried: %v", err)
		}
	}
}

// Whose parent cannot be seen may be a worker of that.
func TestVerifyBlockedParent(t *testing.T) {
	needNoInit(t)
	rd, path := new(Reader), procPath(os.Getpid(), "cmdline")
	rd.blocked = map[string]*blockedRead{path: {err: &BlockedError{PID: os.Getpid(), Path: path}}}
	rd.spent = map[uint32]time.Duration{uint32(os.Getuid()): time.Second}
	var o outlook
	defer o.close()
	state, err := handle(t, start(t, "good", serverArgv).pid()).verify(o.from(rd), serverID, time.Time{})
	if state != Unknown || !Blocked(err) {
		t.Errorf("%v, %v", state, err)
	}
}

// needNoInit skips a test where the test's own process is who adopts the others.
func needNoInit(t *testing.T) {
	t.Helper()
	if os.Getpid() == 1 {
		t.Skip("is pid 1")
	}
}

// hung starts processes that nobody can read, see testdata/hung.
func hung(t *testing.T, number int, argv ...string) []int {
	t.Helper()
	needRoot(t)
	bin := t.TempDir() + "/hung"
	if out, err := exec.Command("go", "build", "-o", bin, "../testdata/hung").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d := launch(t, "", append([]string{"hung", t.TempDir(), strconv.Itoa(number)}, argv...), func(c *exec.Cmd) {
		c.Path, c.Env, c.SysProcAttr = bin, nil, &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	})
	var pids []int
	for range number {
		check(t, d.out.SetReadDeadline(time.Now().Add(patience)))
		line, err := d.rest.ReadString('\n')
		if err != nil && d.cmd.Wait() != nil && d.cmd.ProcessState.ExitCode() == 77 {
			t.Skip("there is no FUSE here")
		}
		check(t, err)
		pid, err := strconv.Atoi(line[:len(line)-1])
		check(t, err)
		pids = append(pids, pid)
	}
	return pids
}

// apart has the test run in a pid namespace of its own, unless it already does, and says that it was.
func apart(t *testing.T) (ran bool) {
	t.Helper()
	const here = "PIDFILE_TEST_APART"
	if os.Getenv(here) != "" {
		return false
	}
	needRoot(t)
	unshare := []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no namespaces here, which take CAP_SYS_ADMIN: %v: %s", err, out)
	}
	// The shell is there to take the zombies.
	self, err := os.Executable()
	check(t, err)
	cmd := exec.Command(unshare[0], append(unshare[1:], "sh", "-c", `"$@"; exit $?`, "sh", self, "-test.run=^"+t.Name()+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), here+"=yes")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "\n--- SKIP") {
		t.Skipf("%s", out)
	}
	return true
}

// TestHung looks, in all ways that there are, at processes that keep whoever reads
// their command line waiting for ever. The tests of other packages do not: they are not to wait.
func TestHung(t *testing.T) {
	if apart(t) {
		return
	}
	settled(t)
	pids := hung(t, 2, serverArgv...)
	rd := &Reader{Patience: patience / 5} // an eighth of it is for each that does not hang
	dir := openDir(t, t.TempDir())
	dir.Reader = rd
	healthy := start(t, "good", serverArgv)
	put(t, dir.Path(), "healthy.pid", strconv.Itoa(healthy.pid()))
	began := time.Now()
	for _, pid := range pids {
		put(t, dir.Path(), "hung.pid", strconv.Itoa(pid))
		if f := dir.Inspect("hung.pid", serverID); f.State != Unknown || !Blocked(f.Err) || f.Record.PID != pid || f.Process != nil {
			t.Errorf("Inspect: %+v", f)
		}
		f := dir.Inspect("healthy.pid", serverID)
		f.Process.Close()
		if f.State != Running {
			t.Errorf("Inspect beside it: %v", f.Err)
		}
		if err := dir.Adopt("other.pid", pid, serverID); err == nil {
			t.Error("Adopt adopts it")
		}
		if name := rd.fullName(pid, "a-demo-server-of"); name != "a-demo-server-of" {
			t.Errorf("its full name: %q", name)
		}
		if _, err := handle(t, pid).Usage(rd, Deep); err != nil {
			t.Errorf("Usage: %v", err)
		}
		if got := handle(t, pid).Getenv(rd, "PATH"); got != nil {
			t.Errorf("Getenv: %q", got)
		}
	}
	found, err := mustReadTree(t).MatchingEach(rd, []Identity{serverID})
	if err != nil || len(found[0]) != 1 || found[0][0].PID() != healthy.pid() {
		t.Errorf("MatchingEach: %v, %v", found, err)
	}
	for _, p := range found[0] {
		p.Close()
	}
	if !mustReadTree(t).Seen(rd, Identity{Commands: []string{"x"}}, SinceBoot()-patience) {
		t.Error("Seen: none of them can be it")
	}
	c, err := rd.TakeCensus(nil, nil)
	check(t, err)
	if s := seen(t, c, serverID)[0]; len(s) != 1 || s[0].PID != healthy.pid() {
		t.Errorf("Servers: %v", s)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %v", took)
	}
}
