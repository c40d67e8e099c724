package pidfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestEdited: a process with other arguments is the server if it is older than the
// pidfile, as far as the times of both are of one clock.
func TestEdited(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	p, err := Open(cmd.Process.Pid)
	check(t, err)
	defer p.Close()
	for _, tt := range []struct {
		name    string
		written time.Duration // from now
		edited  bool
		want    bool
	}{
		{"written when it was started", 0, true, true},
		{"written before it was started", -time.Hour, true, false},
		{"written when the clock was ahead", time.Hour, true, false},
		{"arguments that cannot have been edited", 0, false, false},
	} {
		id := Identity{Commands: []string{"sleep"}, Args: [][]string{{"61"}}, Edited: tt.edited}
		state, err := p.verify(view{}, id, time.Now().Add(tt.written))
		if got := state == Running; got != tt.want {
			t.Errorf("%s: %v, %v", tt.name, state, err)
		}
	}
}

// TestEditedBeforeConf: haproxy reads its conf anew with arguments before those that
// it was started with, and an operator adds some to the command in the profile. The
// conf is among them still, so that an older process is the server.
func TestEditedBeforeConf(t *testing.T) {
	tree := t.TempDir()
	dir := openDir(t, tree)
	more := start(t, "good", []string{"/usr/bin/demo-server", "-sf", "12", "/etc/demo/1.conf"}, setsid)
	other := start(t, "good", []string{"/usr/bin/demo-server", "-sf", "12", "/etc/demo/11.conf"}, setsid)
	tail := start(t, "good", []string{"tail", "-f", "/etc/demo/1.conf"}, setsid)
	family := start(t, "family", []string{"/usr/bin/demo-server", "-sf", "12", "/etc/demo/1.conf"}, setsid)
	for _, tt := range []struct {
		name    string
		pid     int
		written time.Duration // from now
		want    State
	}{
		{"with the conf", more.pid(), 0, Running},
		{"younger than the pidfile", more.pid(), -time.Hour, Foreign},
		{"another conf", other.pid(), 0, Foreign},
		{"another command", tail.pid(), 0, Foreign},
		{"with workers", family.pid(), 0, Running},
		{"a worker", family.said["fork"], 0, Foreign},
	} {
		put(t, tree, "1.pid", fmt.Sprintln(tt.pid))
		written := time.Now().Add(tt.written)
		check(t, os.Chtimes(filepath.Join(tree, "1.pid"), written, written))
		f := dir.Inspect("1.pid", serverID)
		f.Process.Close()
		if f.State != tt.want {
			t.Errorf("%s: got %s, want %s: %v", tt.name, f.State, tt.want, f.Err)
		}
	}
}

// TestTells: another script of the same interpreter's, with the same conf, is not the
// server, nor the server of what it has started.
func TestTells(t *testing.T) {
	id := Identity{Commands: []string{"demo-server"}, Interpreters: []string{"python3"}, Args: [][]string{{"/etc/demo/1.conf"}}}
	for argv, want := range map[string]bool{
		"/usr/bin/demo-server -x /etc/demo/1.conf":         true,
		"python3 -s /usr/bin/demo-server /etc/demo/1.conf": true,
		"/usr/bin/demo-server /etc/demo/11.conf":           false,
		"python3 /usr/bin/demo-keeper /etc/demo/1.conf":    false,
		"python3 -m demo /etc/demo/1.conf":                 false,
	} {
		if got := id.tells(strings.Fields(argv)); got != want {
			t.Errorf("%s: got %t", argv, got)
		}
	}
}

// TestTitled: what runs the file of the command under another title is no stranger if
// it is older than the pidfile.
func TestTitled(t *testing.T) {
	d := start(t, "good", []string{"demo: master process"}, setsid)
	p := handle(t, d.pid())
	id := Identity{Commands: []string{filepath.Base(executable(d.pid()))}, Args: [][]string{{"/etc/demo/1.conf"}}}
	for _, tt := range []struct {
		name    string
		command string
		written time.Time
		want    bool
	}{
		{"its file", id.Commands[0], time.Now(), true},
		{"its file, but younger", id.Commands[0], time.Now().Add(-time.Hour), false},
		{"another file", "demo-server", time.Now(), false},
	} {
		id.Commands = []string{tt.command}
		state, err := p.verify(viewOf(t), id, tt.written)
		var fe *ForeignError
		if state != Foreign || !errors.As(err, &fe) || fe.Titled != tt.want {
			t.Errorf("%s: %v, %v", tt.name, state, err)
		}
	}
}

// TestForeignScarce: nobody is foreign for want of the descriptors that it takes to tell.
func TestForeignScarce(t *testing.T) {
	d := start(t, "good", []string{"demo: master process"}, setsid)
	p := handle(t, d.pid())
	var had unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &had))
	takeAll := func(string) bool { // once the command line has been read
		check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: had.Max}))
		return false
	}
	scarce := func() ([]string, []string, error) { return nil, nil, unix.EMFILE }
	for name, id := range map[string]Identity{
		"whether it is older cannot be told": {Commands: []string{"demo-server"}, Match: takeAll},
		"what runs it cannot be read":        {Commands: []string{"demo-server"}, File: scarce},
	} {
		state, err := p.verify(view{}, id, time.Now())
		check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &had))
		if state != Unknown || !errors.Is(err, unix.EMFILE) {
			t.Errorf("%s: %v, %v", name, state, err)
		}
	}
}

// TestReinterpreted: an upgrade has replaced the command by a script that names another
// version of its interpreter. What runs with the one before is the server, if it is older
// than the pidfile.
func TestReinterpreted(t *testing.T) {
	tree := t.TempDir()
	dir := openDir(t, tree)
	id := serverID
	id.Interpreters = []string{"python3.12", "python3"}
	former := start(t, "good", []string{"/usr/bin/python3.11", "-s", "/usr/bin/demo-server", "/etc/demo/1.conf"}, setsid)
	other := start(t, "good", []string{"/usr/bin/python3.11", "/usr/bin/demo-server", "/etc/demo/11.conf"}, setsid)
	tail := start(t, "good", []string{"tail3.11", "-f", "/usr/bin/demo-server", "/etc/demo/1.conf"}, setsid)
	words := start(t, "good", []string{"python3.11", "x", "/usr/bin/demo-server", "/etc/demo/1.conf"}, setsid)
	for _, tt := range []struct {
		name    string
		pid     int
		written time.Duration // from now
		want    State
	}{
		{"the one before", former.pid(), 0, Running},
		{"younger than the pidfile", former.pid(), -time.Hour, Foreign},
		{"another conf", other.pid(), 0, Foreign},
		{"a command among other words", words.pid(), 0, Foreign},
		{"no interpreter", tail.pid(), 0, Foreign},
	} {
		put(t, tree, "1.pid", fmt.Sprintln(tt.pid))
		written := time.Now().Add(tt.written)
		check(t, os.Chtimes(filepath.Join(tree, "1.pid"), written, written))
		f := dir.Inspect("1.pid", id)
		f.Process.Close()
		if f.State != tt.want {
			t.Errorf("%s: %v, %v", tt.name, f.State, f.Err)
		}
	}
}
