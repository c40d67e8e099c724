package pidfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		content string
		want    int // 0: malformed
	}{
		{"2", 2},
		{"812\n", 812},
		{"4194304\n", 4194304},
		{"4194305\n", 0},
		{"0", 0},
		{"1\n", 0}, // init is nobody's server
		{"-1", 0},
		{"-812", 0},
		{"+812", 0},
		{"", 0},
		{"\n", 0},
		{"812\n\n", 0},
		{"812\r\n", 0},
		{" 812", 0},
		{"812 ", 0},
		{"\t812", 0},
		{"0812", 0},
		{"00", 0},
		{"0x32c", 0},
		{"8_12", 0},
		{"8e2", 0},
		{"812.0", 0},
		{"812\x00", 0},
		{"\x00812", 0},
		{"812\n813\n", 0},
		{"812 813", 0},
		{"pid", 0},
		{"٨١٢", 0},                // Arabic-Indic digits
		{"\uff18\uff11\uff12", 0}, // fullwidth digits
		{"\xef\xbb\xbf812", 0},    // byte order mark
		{"2147483650", 0},         // negative as an int32
		{"4294968108", 0},         // 812 when cut to 32 bits
		{"18446744073709552428", 0},
		{strings.Repeat("9", maxSize), 0},
		{strings.Repeat("0", maxSize-3) + "812", 0},
		{"812\n" + strings.Repeat("\x00", 64), 0},
	} {
		got, err := parsePID([]byte(tt.content))
		if got != tt.want || (tt.want == 0) != errors.Is(err, ErrMalformed) {
			t.Errorf("parsePID(%q) = %d, %v, want %d", tt.content, got, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "2\n", "812", "4194304\n", "4194305", "-1", "+2", "02", "2\n\n", "٨١٢", "2\x00", "99999999999999999999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		before := bytes.Clone(content)
		pid, err := parsePID(content)
		if !bytes.Equal(before, content) {
			t.Fatalf("parsePID changed its argument: %q", content)
		}
		if err != nil {
			if pid != 0 || !errors.Is(err, ErrMalformed) {
				t.Fatalf("parsePID(%q) = %d, %v", content, pid, err)
			}
			if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
				t.Fatalf("unquoted control characters: %q", err)
			}
			return
		}
		if pid < 2 || pid > maxPID {
			t.Fatalf("parsePID(%q) = %d", content, pid)
		}
		if s := strconv.Itoa(pid); string(content) != s && string(content) != s+"\n" {
			t.Fatalf("parsePID(%q) = %d, which prints as %q", content, pid, s)
		}
	})
}

func TestStateString(t *testing.T) {
	want := "running stopped dead foreign malformed unknown"
	var got []string
	for s := Running; s <= Unknown; s++ {
		got = append(got, s.String())
	}
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestInspect goes through the states of an instance with real processes.
func TestInspect(t *testing.T) {
	tree := t.TempDir()
	dir := openDir(t, tree)
	server := start(t, "good", serverArgv, setsid)
	other := start(t, "good", []string{"/usr/bin/demo-server", "/etc/demo/11.conf"}, setsid)
	tail := start(t, "good", []string{"tail", "-f", "/var/log/demo-server", "/etc/demo/1.conf"})
	gone := start(t, "good", serverArgv)
	gone.end()
	zombies := start(t, "zombie", serverArgv)
	for _, tt := range []struct {
		name, content string
		want          State
		err           string
	}{
		{"running.pid", fmt.Sprintln(server.pid()), Running, ""},
		{"deep/down/running.pid", fmt.Sprintln(server.pid()), Running, ""},
		{"other-conf.pid", fmt.Sprintln(other.pid()), Foreign, "runs the same command for something else"},
		{"bystander.pid", fmt.Sprintln(tail.pid()), Foreign, `is now "tail"`},
		{"itself.pid", fmt.Sprintln(os.Getpid()), Foreign, "is now"},
		{"gone.pid", fmt.Sprintln(gone.pid()), Dead, ""},
		{"zombie.pid", fmt.Sprintln(zombies.said["zombie"]), Dead, ""},
		{"init.pid", "1\n", Malformed, "not a pidfile"},
		{"all.pid", "-1\n", Malformed, "not a pidfile"},
		{"group.pid", fmt.Sprintln(-server.pid()), Malformed, "not a pidfile"},
		{"empty.pid", "", Malformed, "empty"},
	} {
		put(t, tree, tt.name, tt.content)
		f := dir.Inspect(tt.name, serverID)
		if f.State != tt.want || f.Err == nil != (tt.err == "") || f.Err != nil && !strings.Contains(f.Err.Error(), tt.err) {
			t.Errorf("%s: %v, %v, want %v, %q", tt.name, f.State, f.Err, tt.want, tt.err)
		}
		if (f.Process != nil) != (f.State == Running) {
			t.Errorf("%s: %v with handle %v", tt.name, f.State, f.Process)
		}
		if f.State != Malformed && strconv.Itoa(f.Record.PID) != strings.TrimSpace(tt.content) {
			t.Errorf("%s: record %+v", tt.name, f.Record)
		}
		f.Process.Close()
	}
	if f := dir.Inspect("missing.pid", serverID); f.State != Stopped || f.Err != nil {
		t.Errorf("missing: %+v", f)
	}
}

// TestInspectLeaksNothing looks often and counts descriptors.
func TestInspectLeaksNothing(t *testing.T) {
	tree := t.TempDir()
	server := start(t, "good", serverArgv, setsid)
	put(t, tree, "good.pid", fmt.Sprintln(server.pid()))
	put(t, tree, "foreign.pid", fmt.Sprintln(os.Getpid()))
	put(t, tree, "bad.pid", "x")
	check(t, os.Symlink("bad.pid", tree+"/link.pid"))
	names := []string{"good.pid", "foreign.pid", "bad.pid", "link.pid", "none.pid", "none/none.pid", "bad.pid/none.pid"}
	before := descriptors(t)
	dir, err := OpenDir(tree)
	check(t, err)
	for range 50 {
		for _, name := range names {
			dir.Inspect(name, serverID).Process.Close()
			_, _ = dir.List([]string{""})
		}
	}
	check(t, dir.Close())
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// TestInspectWhileWritten looks at a pidfile that keeps changing between a dead
// server's and a living one's: the verdict is always about the pid that it was
// read with, and never that there is no pidfile or a torn one.
func TestInspectWhileWritten(t *testing.T) {
	tree := t.TempDir()
	dir, writer := openDir(t, tree), openDir(t, tree)
	server, gone := start(t, "good", serverArgv, setsid), start(t, "good", serverArgv)
	gone.end()
	check(t, writer.Write("x.pid", gone.pid()))
	done := make(chan error, 1)
	go func() { // the other mgr
		var err error
		for n := 0; n < 500 && err == nil; n++ {
			err = writer.Write("x.pid", []int{server.pid(), gone.pid()}[n%2])
		}
		done <- err
	}()
	want := map[int]State{server.pid(): Running, gone.pid(): Dead}
	for {
		f := dir.Inspect("x.pid", serverID)
		f.Process.Close()
		if f.Err != nil || f.State != want[f.Record.PID] {
			t.Fatalf("%v of %d: %v", f.State, f.Record.PID, f.Err)
		}
		select {
		case err := <-done:
			check(t, err)
			return
		default:
		}
	}
}

// TestInspectOwner is root looking at pidfiles that others could write.
func TestInspectOwner(t *testing.T) {
	needRoot(t)
	tree := t.TempDir()
	dir := openDir(t, tree)
	ours := start(t, "good", serverArgv, setsid)
	theirs := start(t, "good", serverArgv, setsid, asNobody)
	for _, tt := range []struct {
		owner int
		pid   int
		want  State
	}{
		{0, ours.pid(), Running},
		{0, theirs.pid(), Running},
		{nobody, theirs.pid(), Running},
		{nobody, ours.pid(), Unknown},
		{1, theirs.pid(), Unknown},
	} {
		path := put(t, tree, "x.pid", fmt.Sprintln(tt.pid))
		check(t, os.Chown(path, tt.owner, 0))
		f := dir.Inspect("x.pid", serverID)
		f.Process.Close()
		if f.State != tt.want || int(f.Record.UID) != tt.owner {
			t.Errorf("pidfile of %d naming %d: %v, %v, want %v", tt.owner, tt.pid, f.State, f.Err, tt.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	d := start(t, "good", []string{"demo\nserver"})
	if got := new(Reader).Describe(d.pid()); !strings.Contains(got, ", started 20") || strings.Contains(got, "\n") {
		t.Errorf("Describe = %q", got)
	}
	if got, want := new(Reader).fullName(start(t, "good", []string{"a", "/x/an-object-replicator"}).pid(), "an-object-repli"), "an-object-replicator"; got != want {
		t.Errorf("fullName = %q, want %q", got, want)
	}
	d.end()
	if got := new(Reader).Describe(d.pid()); got != "nobody" {
		t.Errorf("Describe of the dead = %q", got)
	}
}
