package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The harness proves with figures that mgr never hits a bystander. Its trials run in pid namespaces of their own, where
// pids can be recycled at will and nothing else can be hit. The test binary plays three parts there, told by roleEnv:
// "namespace", the first process, which ends everything when the test does; the one that runs the trials, by the name
// of its test; and "innocent", a process that nobody may signal.
const (
	roleEnv     = "HARNESS_ROLE"
	jobEnv      = "HARNESS_JOB"
	childrenEnv = "HARNESS_CHILDREN" // how many children an innocent has, which are innocents too
	sessionEnv  = "HARNESS_SESSION"  // set: the children lead sessions of their own
)

const nobody = 65534

// playRole plays the part that roleEnv names, if any, and does not return then. TestMain calls it before anything looks at
// the arguments: an innocent's are those of the program that it passes for, not of a test.
func playRole() {
	if os.Getenv(partVariable) == "first" {
		beFirst()
	}
	var err error
	switch role := os.Getenv(roleEnv); role {
	case "":
		return
	case "namespace":
		err = beNamespace()
	case "innocent":
		err = beInnocent()
	case "probe":
		err = ownMounts()
	case "deaf":
		err = beDeaf()
	default:
		err = beTrials(role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A job is what the trials of one namespace are.
type job struct {
	Role            string
	Seed            uint64
	Trials          int
	Share, Shares   int // this namespace does every Shares-th batch, beginning with the Share-th
	MGR, Fakeserver string
}

// figures are what trials come to.
type figures struct {
	Trials, Signalled, Hangs, Crashes, Changed int
	Missed                                     int // servers that mgr should have signalled and did not
	Hit                                        int // servers that it did signal
	Recycled, AfterStop, OfWorkers             int // pids recycled while mgr ran; after the stop signal; a worker's
	Notes                                      []string
}

func (f *figures) add(g figures) {
	for _, n := range []struct{ to, from *int }{
		{&f.Trials, &g.Trials}, {&f.Signalled, &g.Signalled}, {&f.Hangs, &g.Hangs}, {&f.Crashes, &g.Crashes},
		{&f.Changed, &g.Changed}, {&f.Missed, &g.Missed}, {&f.Hit, &g.Hit}, {&f.Recycled, &g.Recycled},
		{&f.AfterStop, &g.AfterStop}, {&f.OfWorkers, &g.OfWorkers},
	} {
		*n.to += *n.from
	}
	f.Notes = append(f.Notes, g.Notes...)
}

// note adds to a figure above zero what happened.
func (f *figures) note(figure *int, format string, args ...any) {
	*figure++
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// harness runs trials in namespaces, as many as there are processors, and adds up their figures.
func harness(t *testing.T, role string, trials int) figures {
	t.Helper()
	if testing.Short() {
		t.Skip("-short")
	}
	needsNamespaces(t)
	if text := os.Getenv("HARNESS_TRIALS"); text != "" && role == "hostile" {
		trials = atoi(t, text)
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("HARNESS_SEED"); text != "" {
		seed = uint64(atoi(t, text))
	}
	t.Logf("HARNESS_SEED=%d", seed)
	p := buildPrograms(t)
	dir := t.TempDir()
	for _, parent := range []string{dir, filepath.Dir(dir), filepath.Dir(p.mgr), filepath.Dir(filepath.Dir(p.mgr))} {
		if err := os.Chmod(parent, 0o755); err != nil { // mgr runs as nobody, too
			t.Fatal(err)
		}
	}
	var all figures
	var mu sync.Mutex
	var group sync.WaitGroup
	shares := runtime.NumCPU()
	for share := range shares {
		group.Go(func() {
			f, err := isolated(dir, job{role, seed, trials, share, shares, p.mgr, p.fakeserver})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			all.add(f)
		})
	}
	group.Wait()
	for _, note := range all.Notes[:min(len(all.Notes), 20)] {
		t.Error(note)
	}
	if bad := all.Signalled + all.Hangs + all.Crashes + all.Changed + all.Missed; bad > 0 {
		t.Errorf("%d figures above zero; HARNESS_SEED=%d", bad, seed)
	}
	return all
}

func atoi(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// isolated does a job in a pid namespace. The first process there ends with its stdin, whatever becomes of the test.
func isolated(dir string, j job) (f figures, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return f, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"=namespace", jobEnv+"="+string(text), "TMPDIR="+dir)
	cmd.SysProcAttr = newNamespaces()
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	leash, err := cmd.StdinPipe()
	if err != nil {
		return f, err
	}
	defer leash.Close()
	if err := cmd.Run(); err != nil {
		return f, fmt.Errorf("the trials of share %d ended: %w\n%s", j.Share, err, diagnostics.String())
	}
	return f, json.Unmarshal(out.Bytes(), &f)
}

// beNamespace is the first process of a namespace.
func beNamespace() error {
	if err := ownMounts(); err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(jobEnv)), &j); err != nil {
		return err
	}
	go func() { // the kernel ends the namespace with its first process
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+j.Role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// beTrials runs the trials of one namespace. It is the parent of every mgr there, and of every orphan.
func beTrials(role string) error {
	w := &world{alarms: make(chan os.Signal, 64)}
	if err := json.Unmarshal([]byte(os.Getenv(jobEnv)), &w.job); err != nil {
		return err
	}
	os.Unsetenv(roleEnv)
	os.Unsetenv(jobEnv)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if !slices.Contains([]syscall.Signal{unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE}, sig) {
			signal.Notify(w.alarms, sig)
		}
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	var err error
	if w.tree, err = newTree(side{argv: []string{w.MGR}}, w.Fakeserver); err != nil {
		return err
	}
	if w.leash, w.hand, err = os.Pipe(); err != nil {
		return err
	}
	trials := map[string]func(*world) error{"hostile": (*world).hostile, "recycle": (*world).recycle}
	if err := trials[role](w); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(w.figures)
}

// world is one namespace: its processes, and the tree that they live in. It is used by one goroutine.
type world struct {
	*tree
	job
	figures
	rnd         *rand.Rand
	alarms      chan os.Signal // signals that this process got
	leash, hand *os.File       // the stdin of innocents, who end with it
	innocents   []*innocent
	hostileWorld
}

// An errand is one run of mgr.
type errand struct {
	*exec.Cmd
	about        string // what it is for, in words
	over         context.Context
	stop         context.CancelFunc
	stdout, errs *os.File // no pipes: a server could hold them
}

// set starts mgr, as the words of argv say, which may begin with a tracer's. It is ended, with its stacks on stderr,
// when the time is over.
func (w *world) set(about string, uid uint32, argv []string) (e *errand, err error) {
	e = &errand{about: about}
	if e.stdout, err = os.Create(w.path("log/mgr.stdout")); err != nil {
		return nil, err
	}
	if e.errs, err = os.Create(w.path("log/mgr.stderr")); err != nil {
		return nil, err
	}
	e.over, e.stop = context.WithTimeout(context.Background(), patience)
	e.Cmd = exec.CommandContext(e.over, argv[0], argv[1:]...)
	e.Dir, e.Env, e.Stdout, e.Stderr, e.WaitDelay = "/", w.env, e.stdout, e.errs, 5*time.Second
	e.Cancel = func() error { return e.Process.Signal(unix.SIGQUIT) }
	e.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return e, e.Start()
}

// end waits for the mgr of an errand to end, judges how it did, and tells the whole of it.
func (w *world) end(e *errand) string {
	_ = e.Wait()
	defer e.stop()
	stdout, _ := os.ReadFile(e.stdout.Name())
	errs, _ := os.ReadFile(e.errs.Name())
	e.stdout.Close()
	e.errs.Close()
	tale := fmt.Sprintf("%s: %q: %v\nstdout:\n%.3000sstderr:\n%.3000s", e.about, e.Args, e.ProcessState, stdout, errs)
	switch {
	case e.over.Err() != nil:
		w.note(&w.Hangs, "a hang: %s", tale)
	case !e.ProcessState.Exited(), e.ProcessState.ExitCode() > 4, bytes.Contains(errs, []byte("panic")), bytes.Contains(errs, []byte("goroutine ")):
		w.note(&w.Crashes, "a crash: %s", tale)
	}
	return tale
}
