package pidfile

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shirou/gopsutil/v3/process"
)

// TestLikeGopsutil holds what this package reads of /proc against a library that reads it too. It is the witness in
// tests only: set up in the program it would cost every start a tenth of its time.
func TestLikeGopsutil(t *testing.T) {
	settled(t) // gopsutil leaves descriptors to the garbage collector
	cmd := exec.Command("/bin/sh", "-c", "read x; :", "", "a b")
	if _, err := cmd.StdinPipe(); err != nil { // it waits for a line that never comes
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	tree := mustReadTree(t)
	for _, pid := range []int{os.Getpid(), cmd.Process.Pid} {
		other, err := process.NewProcess(int32(pid))
		if err != nil {
			t.Fatal(err)
		}
		st, err := stat(pid)
		if err != nil {
			t.Fatal(err)
		}
		if ppid, err := other.Ppid(); err != nil || int(ppid) != st.PPID {
			t.Errorf("parent of %d: got %d, gopsutil %d, %v", pid, st.PPID, ppid, err)
		}
		argv, err := cmdline(pid)
		if err != nil {
			t.Fatal(err)
		}
		words, err := other.CmdlineSlice()
		if diff := cmp.Diff(words, argv); diff != "" || err != nil {
			t.Errorf("command line of %d, %v (-gopsutil +got):\n%s", pid, err, diff)
		}
		uids, err := other.Uids()
		own, err2 := statusUIDs(pid)
		if err != nil || err2 != nil || int(own[0]) != int(uids[0]) {
			t.Errorf("user of %d: got %v, %v, gopsutil %v, %v", pid, own, err2, uids, err)
		}
		born, err := other.CreateTime()
		age, ok := st.age()
		if d := time.Since(time.UnixMilli(born)) - age; err != nil || !ok || d.Abs() > 2*time.Second {
			t.Errorf("age of %d: got %v, gopsutil says born %v: %v apart, %v", pid, age, time.UnixMilli(born), d, err)
		}
		likeUsage(t, other, pid)
	}
	children, err := (&process.Process{Pid: int32(os.Getpid())}).Children()
	if err != nil {
		t.Skipf("gopsutil asks pgrep for children: %v", err)
	}
	for _, child := range children {
		if pid := int(child.Pid); pid == cmd.Process.Pid && !slices.Contains(tree.ChildrenOf(os.Getpid()), pid) {
			t.Errorf("%d is a child to gopsutil alone", pid)
		}
	}
}

// likeUsage compares what the process takes, which for this one is more with every look.
func likeUsage(t *testing.T, other *process.Process, pid int) {
	t.Helper()
	before, err := handle(t, pid).Usage(nil, Shallow)
	check(t, err)
	mem, err := other.MemoryInfo()
	check(t, err)
	times, err := other.Times()
	check(t, err)
	fds, err := other.NumFDs()
	check(t, err)
	threads, err := other.NumThreads()
	check(t, err)
	after, err := handle(t, pid).Usage(nil, Shallow)
	check(t, err)
	// The runtime of this process gives memory back while it is looked at.
	if rss := int64(mem.RSS); pid != os.Getpid() && (rss < before.RSS || rss > after.RSS) {
		t.Errorf("memory of %d: got %d to %d, gopsutil %d", pid, before.RSS, after.RSS, rss)
	}
	const tick = 0.011
	if s := times.User + times.System; s < before.CPU.Seconds()-tick || s > after.CPU.Seconds()+tick {
		t.Errorf("processor time of %d: got %v to %v, gopsutil %v s", pid, before.CPU, after.CPU, s)
	}
	if pid != os.Getpid() && (int(fds) != before.FDs || int(threads) != before.Threads) {
		t.Errorf("of %d: got %d descriptors and %d threads, gopsutil %d and %d", pid, before.FDs, before.Threads, fds, threads)
	}
}
