package pidfile

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// family has workers of all kinds, and names them.
func family() {
	spawn("good", "fork")
	spawn("good", "setpgid", func(c *exec.Cmd) { c.SysProcAttr.Setpgid = true })
	spawn("good", "setsid", setsid)
	spawn("nest", "nest")
	must(spawn("double", "double").Wait())
	must(spawn("double", "escaped", setsid).Wait())
	ready()
	leash()
}

// nest has one worker, in a group of its own.
func nest() {
	spawn("good", "grandchild", func(c *exec.Cmd) { c.SysProcAttr.Setpgid = true })
	ready()
	leash()
}

// double has one worker, and ends.
func double() {
	spawn("good", "orphan")
	ready()
}

// spawn starts a worker and passes on what it says: its own pid as label, or,
// if it was only there to start another, that one's.
func spawn(role, label string, opts ...func(*exec.Cmd)) *exec.Cmd {
	c := child(role, os.Args)
	for _, opt := range opts {
		opt(c)
	}
	out, err := c.StdoutPipe()
	must(err)
	must(c.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		if pid, ok := strings.CutPrefix(lines.Text(), "orphan "); ok {
			fmt.Println(label, pid)
		} else {
			fmt.Println(lines.Text())
		}
	}
	must(lines.Err())
	if role != "double" {
		fmt.Println(label, c.Process.Pid)
	}
	return c
}

// labels names processes as the daemon did, and closes their handles. There must be no
// error.
func (d *daemon) labels(processes []*Process, errs ...error) []string {
	d.t.Helper()
	check(d.t, errors.Join(errs...))
	var out []string
	for _, p := range processes {
		out = append(out, d.label(p))
		p.Close()
	}
	slices.Sort(out)
	return out
}

func (d *daemon) label(p *Process) string {
	if p.PID() == d.pid() {
		return "server"
	}
	for label, pid := range d.said {
		if pid == p.PID() {
			return label
		}
	}
	return fmt.Sprintf("stranger %d", p.PID())
}

func mustReadTree(t *testing.T) *Tree {
	t.Helper()
	tree, err := ReadTree()
	check(t, err)
	return tree
}

func compare(t *testing.T, about string, want string, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Errorf("%s (-want +got)\n%s", about, diff)
	}
}

func TestFamily(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	start(t, "good", serverArgv) // no relative, for all that it looks the same
	p := handle(t, d.pid())
	before := descriptors(t)
	tree := mustReadTree(t)
	compare(t, "Family", "double fork grandchild nest setpgid setsid", d.labels(tree.Family(p)))
	compare(t, "Children", "fork nest setpgid setsid", d.labels(tree.Children(p)))
	if size := tree.FamilySize(p); size != 6 {
		t.Errorf("FamilySize: %d, want 6", size)
	}
	compare(t, "Family of a worker", "grandchild", d.labels(tree.Family(handle(t, d.said["nest"]))))
	compare(t, "Children of a leaf", "", d.labels(tree.Children(handle(t, d.said["fork"]))))
	compare(t, "Left of the living", "", d.labels(tree.Left(nil, Record{PID: d.pid()}, serverID)))
	if after := descriptors(t); after != before+2 {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	for range 5 {
		var pids [2][]int
		for n := range pids {
			family, err := tree.Family(p)
			check(t, err)
			for _, q := range family {
				pids[n] = append(pids[n], q.PID())
				q.Close()
			}
		}
		if !slices.Equal(pids[0], pids[1]) {
			t.Fatalf("no order: %v", pids)
		}
	}
}

// TestFamilyScarce has too few descriptors for a family: it says so.
func TestFamilyScarce(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	p, tree := handle(t, d.pid()), mustReadTree(t)
	findScarce(t, "Family", func() ([]*Process, error) { return tree.Family(p) })
	findScarce(t, "Children", func() ([]*Process, error) { return tree.Children(p) })
	lessRoom(t, 0, func() {
		if _, err := treeOf(tree.pids()); !errors.Is(err, unix.EMFILE) {
			t.Errorf("a snapshot: %v", err)
		}
	})
	own := d.only(tree)
	findScarce(t, "MatchingEach", func() ([]*Process, error) {
		found, err := own.MatchingEach(nil, []Identity{serverID})
		return found[0], err
	})
	d.kill()
	tree = mustReadTree(t)
	findScarce(t, "Left", func() ([]*Process, error) { return tree.Left(nil, Record{PID: d.pid()}, serverID) })
}

// TestUnread: of what runs the server nothing is known, for want of descriptors, so that
// who does not look like it may be a part of it.
func TestUnread(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	id := Identity{Args: serverID.Args, File: func() ([]string, []string, error) { return nil, nil, unix.EMFILE }}
	tree := mustReadTree(t)
	_, err := d.only(tree).MatchingEach(nil, []Identity{id})
	_, err2 := census(t).Servers([]Identity{id})
	d.kill()
	_, err3 := mustReadTree(t).Left(nil, Record{PID: d.pid()}, id)
	tree.children = map[int][]int{1: {d.said["fork"]}} // whoever adopts orphans here
	tree.stats = map[int]Stat{d.said["fork"]: {PPID: 1}}
	_, err4 := tree.Orphans(nil, id)
	for name, err := range map[string]error{"MatchingEach": err, "Servers": err2, "Left": err3, "Orphans": err4} {
		if !errors.Is(err, unix.EMFILE) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// only is the tree of the daemon, of what it started, and of these: to read of others may
// take for ever.
func (d *daemon) only(tree *Tree, pids ...int) *Tree {
	own := &Tree{stats: map[int]Stat{}}
	for _, pid := range append(slices.Collect(maps.Values(d.said)), append(pids, d.pid())...) {
		own.stats[pid] = tree.stats[pid]
	}
	return own
}

// findScarce finds more than there are descriptors for.
func findScarce(t *testing.T, name string, find func() ([]*Process, error)) {
	t.Helper()
	for room := range 4 {
		before := descriptors(t)
		var found []*Process
		var err error
		lessRoom(t, room, func() { found, err = find() })
		if !errors.Is(err, unix.EMFILE) || len(found) != max(room-1, 0) { // each takes one more to be looked at
			t.Errorf("%s, room for %d: %d found, %v", name, room, len(found), err)
		}
		for _, q := range found {
			q.Close()
		}
		if after := descriptors(t); after != before {
			t.Errorf("%s, room for %d: %d descriptors, %d before", name, room, after, before)
		}
	}
}

// lessRoom calls f while only so many descriptors are left.
func lessRoom(t *testing.T, room int, f func()) {
	t.Helper()
	var had unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &had))
	var held []int
	for range room + 1 {
		fd, err := unix.Dup(0)
		check(t, err)
		held = append(held, fd)
	}
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(held[room]), Max: had.Max}))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &had)
	for _, fd := range held {
		check(t, unix.Close(fd))
	}
	f()
}

// TestFamilyNoLeader looks at a server that shares group and session with the
// test: only descent tells, and nothing of the test's may be among them.
func TestFamilyNoLeader(t *testing.T) {
	d := start(t, "family", serverArgv)
	start(t, "good", serverArgv)
	compare(t, "Family", "fork grandchild nest setpgid setsid", d.labels(mustReadTree(t).Family(handle(t, d.pid()))))
}

func TestMatching(t *testing.T) {
	argv := []string{"/usr/bin/demo-server", "/etc/demo/matching.conf"}
	id := Identity{Commands: []string{"demo-server"}, Args: [][]string{{argv[1]}}}
	d := start(t, "family", argv, setsid)
	stranger := start(t, "good", serverArgv)
	other := Identity{Commands: id.Commands, Args: [][]string{{"/etc/demo/none.conf"}}}
	both, err := d.only(mustReadTree(t), stranger.pid()).MatchingEach(nil, []Identity{other, id})
	check(t, err)
	compare(t, "Matching another conf", "", d.labels(both[0]))
	compare(t, "Matching", "double escaped fork grandchild nest server setpgid setsid", d.labels(both[1]))
}

// TestLeft looks for what a server left behind that died.
func TestLeft(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	old := mustReadTree(t)
	p := handle(t, d.pid())
	check(t, p.Signal(unix.SIGKILL))
	p.Await(time.Now().Add(patience))
	const left = "double fork grandchild nest setpgid"
	compare(t, "Left of a zombie", left, d.labels(mustReadTree(t).Left(nil, Record{PID: d.pid()}, serverID)))
	compare(t, "Family of a zombie", "", d.labels(old.Family(p)))
	d.kill()
	tree := mustReadTree(t)
	compare(t, "Left", left, d.labels(tree.Left(nil, Record{PID: d.pid()}, serverID)))
	compare(t, "Left of another server", "", d.labels(tree.Left(nil, Record{PID: d.pid()}, Identity{Commands: []string{"x"}})))
	self, err := os.Executable()
	check(t, err)
	compare(t, "Left by the file", left, d.labels(tree.Left(nil, Record{PID: d.pid()}, Identity{Commands: []string{"x"}, Executable: self})))
	rd, hung := &Reader{Patience: time.Millisecond}, newStuck(t)
	_ = rd.within(d.said["fork"], "cmdline", hung.read)
	rd.Patience = patience // the others are slow perhaps
	found, err := tree.Left(rd, Record{PID: d.pid()}, serverID)
	compare(t, "Left but for one that cannot be read", "double grandchild nest setpgid", d.labels(found))
	var be *BlockedError
	if !errors.As(err, &be) || be.PID != d.said["fork"] {
		t.Errorf("of the one that cannot be read: %v", err)
	}
	if os.Geteuid() == 0 { // who owns the pidfile could not signal them
		compare(t, "Left of another user's pidfile", "", d.labels(tree.Left(nil, Record{PID: d.pid(), UID: 65534}, serverID)))
	}
	compare(t, "Left by another file", "", d.labels(tree.Left(nil, Record{PID: d.pid()}, Identity{Commands: []string{"x"}, Executable: "/bin/x"})))
	compare(t, "Family of the reaped", "", d.labels(tree.Family(p)))
	compare(t, "Children of the reaped", "", d.labels(old.Children(p)))
	any := Identity{Match: func(string) bool { return true }}
	for _, pid := range []int{-1, 0, 1} {
		compare(t, "Left of what is no server", "", d.labels(tree.Left(nil, Record{PID: pid}, any)))
	}
	for _, label := range []string{"double", "fork", "grandchild", "nest", "setpgid"} {
		q := handle(t, d.said[label])
		check(t, q.Signal(unix.SIGKILL))
		q.Await(time.Now().Add(patience))
	}
	compare(t, "nothing", "", d.labels(old.Left(nil, Record{PID: d.pid()}, serverID)))
}

// TestFamilyKilled ends a family as an escalation does: the server stopped
// first and killed last.
func TestFamilyKilled(t *testing.T) {
	d := start(t, "family", serverArgv, setsid)
	said := maps.Clone(d.said)
	watched := map[string]*Process{}
	for label, pid := range said {
		watched[label] = handle(t, pid)
	}
	p := handle(t, d.pid())
	check(t, p.Signal(unix.SIGSTOP))
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		family, err := mustReadTree(t).Family(p)
		check(t, err)
		if len(family) == 0 {
			break
		}
		for _, q := range family {
			check(t, q.Signal(unix.SIGKILL))
			q.Await(deadline)
			q.Close()
		}
	}
	if p.Exited() {
		t.Error("the server is not there any more")
	}
	for label, q := range watched {
		if alive := label == "escaped"; q.Exited() == alive {
			t.Errorf("%s has ended: %v", label, !alive)
		}
	}
	check(t, p.Signal(unix.SIGKILL))
	p.Await(deadline)
	if !p.Exited() {
		t.Error("the server is there still")
	}
}
