package pidfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// seekID describes a server that no other test starts, nor another run of them on the
// same machine.
func seekID(conf string) ([]string, Identity) {
	argv := []string{"/usr/bin/demo-server", "/etc/demo/" + strconv.Itoa(os.Getpid()) + "/" + conf}
	return argv, Identity{Commands: []string{"demo-server"}, Args: [][]string{{argv[1]}}}
}

func census(t *testing.T) *Census {
	t.Helper()
	c, err := new(Reader).TakeCensus(nil, nil)
	check(t, err)
	return c
}

// seen gives those that a census has of each of ids.
func seen(t testing.TB, c *Census, ids ...Identity) [][]Sighting {
	t.Helper()
	found, err := c.Servers(ids)
	check(t, err)
	return found
}

// servers names those that a census has of id.
func (d *daemon) servers(c *Census, id Identity) []string {
	d.t.Helper()
	var out []string
	for _, s := range seen(d.t, c, id)[0] {
		out = append(out, d.label(&Process{pid: s.PID, fd: -1}))
	}
	slices.Sort(out)
	return out
}

// TestServers looks for servers beside their workers, and for what is left of those.
func TestServers(t *testing.T) {
	argv, id := seekID("servers.conf")
	_, other := seekID("others.conf")
	d := start(t, "family", argv, setsid)
	c := census(t)
	// A worker that started another and has ended, in a session of its own, leaves
	// what nobody can tell from a server that went into the background.
	compare(t, "a family", "server", d.servers(c, id))
	compare(t, "another conf", "", d.servers(c, other))
	without, err := new(Reader).TakeCensus(map[int]bool{d.pid(): true}, nil)
	check(t, err)
	compare(t, "who is known", "", d.servers(without, id))
	for user, want := range map[uint32]string{uint32(os.Getuid()): "server", uint32(os.Getuid()) + 1: ""} {
		some, err := new(Reader).TakeCensus(nil, []uint32{user})
		check(t, err)
		compare(t, fmt.Sprint("those of ", user), want, d.servers(some, id))
	}
	many := []Identity{other, {}, id, {Match: func(string) bool { return false }}, id}
	var got []int
	for _, found := range seen(t, c, many...) {
		got = append(got, len(found))
	}
	if diff := cmp.Diff([]int{0, 0, 1, 0, 1}, got); diff != "" {
		t.Errorf("several identities (-want +got):\n%s", diff)
	}

	twin := start(t, "good", argv, setsid)
	got = nil
	for _, s := range seen(t, census(t), id)[0] {
		got = append(got, s.PID)
	}
	want := []int{d.pid(), twin.pid()}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("two of a kind (-want +got):\n%s", diff)
	}
	twin.kill()
	compare(t, "a census of the dead", "server", d.servers(c, id))

	d.kill()
	for _, label := range []string{"setsid", "setpgid"} { // they lead something: see above
		q := handle(t, d.said[label])
		check(t, q.Signal(unix.SIGKILL))
		q.Await(time.Now().Add(patience))
	}
	nest := handle(t, d.said["nest"])
	check(t, nest.Signal(unix.SIGKILL))
	nest.Await(time.Now().Add(patience))
	grandchild := handle(t, d.said["grandchild"])
	check(t, grandchild.Signal(unix.SIGKILL))
	grandchild.Await(time.Now().Add(patience))
	compare(t, "workers that a dead server left", "", d.servers(census(t), id))
}

// TestServersScarce: without descriptors nobody passes for gone, nor a worker for a server.
func TestServersScarce(t *testing.T) {
	argv, id := seekID("scarce.conf")
	d := start(t, "family", argv, setsid)
	c := census(t)
	told := 0
	for room := range 8 {
		var taken *Census
		var found [][]Sighting
		var censusErr, err, workerErr error
		var state State
		worker := handle(t, d.said["fork"])
		lessRoom(t, room, func() {
			taken, censusErr = new(Reader).TakeCensus(nil, nil)
			found, err = c.Servers([]Identity{id})
			state, workerErr = worker.verify(view{}, id, time.Time{})
		})
		if taken == nil && !errors.Is(censusErr, unix.EMFILE) || taken != nil && len(d.servers(taken, id)) != 1 {
			t.Errorf("room for %d: census: %v", room, censusErr)
		}
		if !errors.Is(err, unix.EMFILE) && (err != nil || len(found[0]) != 1) {
			t.Errorf("room for %d: %v, %v", room, found, err)
		}
		if state != Foreign && !errors.Is(workerErr, unix.EMFILE) {
			t.Errorf("room for %d: a worker is %v, %v", room, state, workerErr)
		}
		if censusErr == nil && err == nil && state == Foreign {
			told++
		}
	}
	if told == 0 {
		t.Error("room for 7 is not enough")
	}
}

// TestServersByTitle: a wide pattern is not enough, the process has to run the file.
func TestServersByTitle(t *testing.T) {
	argv, id := seekID("title.conf")
	d := start(t, "good", append([]string{"/usr/bin/less"}, argv...), setsid)
	id.Match = func(title string) bool { return title == "/usr/bin/less "+strings.Join(argv, " ") }
	compare(t, "a pager", "", d.servers(census(t), id))
	id.Executable = executable(d.pid())
	compare(t, "the file itself", "server", d.servers(census(t), id))
}

// TestAdopt writes the pidfile of a server, and of nothing else.
func TestAdopt(t *testing.T) {
	argv, id := seekID("adopt.conf")
	_, other := seekID("others.conf")
	d := start(t, "family", argv, setsid)
	dir := openDir(t, t.TempDir())
	for _, tt := range []struct {
		about string
		pid   int
		id    Identity
	}{{"another's", d.pid(), other}, {"a worker", d.said["fork"], id}, {"nobody", 1 << 21, id}, {"no pid", 0, id}} {
		if err := dir.Adopt("a/1.pid", tt.pid, tt.id); err == nil {
			t.Errorf("%s was adopted", tt.about)
		}
		if _, err := dir.Read("a/1.pid"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
	check(t, dir.Adopt("a/1.pid", d.pid(), id))
	f := dir.Inspect("a/1.pid", id)
	f.Process.Close()
	if f.State != Running || f.Record.PID != d.pid() {
		t.Errorf("%v: %v", f.State, f.Err)
	}
}
