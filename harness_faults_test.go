package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFaults takes from mgr what it needs: room, permission, descriptors, processes, the run directory itself. Each start
// then fails with one line and leaves nothing, or succeeds; each stop of a server that can be stopped stops it.
func TestFaults(t *testing.T) {
	experiment{name: "faults", counts: []string{"cases", "commands", "refusals by the runtime"}, shards: 1, run: deprive,
		zeros: []string{"untracked servers", "torn pidfiles", "unclear failures", "wrong statuses"}}.conduct(t)
}

// A fault is one case: with a run directory of its own, in which the server runs if running is set.
type fault struct {
	name    string
	running bool
	do      func(f *faulty)
}

type faulty struct {
	*cell
	name string
}

var faults = []fault{
	{"no room, start", false, func(f *faulty) {
		f.mount("size=4k")
		f.fill()
		f.fails(f.mgr("object.1", "start"), "no space left on device")
	}},
	{"no inodes, start", false, func(f *faulty) {
		f.mount("nr_inodes=1")
		f.fails(f.mgr("object.1", "start"), "no space left on device")
	}},
	{"no room, stop", true, func(f *faulty) {
		f.fill()
		f.stops(f.mgr("object.1", "stop"))
	}},
	{"no room, restart", true, func(f *faulty) {
		f.fill()
		f.mgr("object.1", "restart") // the pidfile that goes makes room, or does not
		f.tracked()
	}},
	{"read-only, start", false, func(f *faulty) {
		f.mount("ro")
		f.fails(f.mgr("object.1", "start"), "read-only file system")
	}},
	{"read-only, stop", true, func(f *faulty) {
		f.must(unix.Mount("", f.path("run"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		f.stops(f.mgr("object.1", "stop"))
	}},
	{"read-only, restart", true, func(f *faulty) {
		f.must(unix.Mount("", f.path("run"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		r := f.mgr("object.1", "restart")
		if !strings.Contains(r.stderr, "read-only file system: nothing could be started again") || r.code != 1 {
			f.fault("unclear failures", "%s: %v", f.name, r)
		}
		f.tracked() // and still there: what could not be started again is not stopped
	}},
	{"read-only bind mount, start", false, func(f *faulty) {
		run := f.path("run")
		f.must(errors.Join(os.Mkdir(run, 0o755), unix.Mount(run, run, "", unix.MS_BIND, ""),
			unix.Mount("", run, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")))
		f.fails(f.mgr("object.1", "start"), "read-only file system")
	}},
	{"no permission, start", false, func(f *faulty) {
		f.mount("mode=755")
		f.fails(f.as("object.1", "start"), "permission denied")
	}},
	{"closed directory, start", false, func(f *faulty) {
		f.mount("mode=700")
		f.fails(f.as("object.1", "start"), "permission denied")
	}},
	{"no permission, stop", true, func(f *faulty) {
		f.fails(f.as("object.1", "stop"), "not permitted")
		f.runs(1)
	}},
	{"few descriptors, start", false, func(f *faulty) { f.scarce("start", 0, "--nofile=", 3, 24) }},
	{"few descriptors, stop", true, func(f *faulty) { f.scarce("stop", 0, "--nofile=", 3, 24) }},
	{"few processes, start", false, func(f *faulty) { f.scarce("start", lonely, "--nproc=", 1, 16) }},
	{"few processes, stop", true, func(f *faulty) { f.scarce("stop", 0, "--nproc=", 1, 3) }},
	{"directory gone before the stage", false, func(f *faulty) {
		r := f.atBirth(stageBirth, func(int) { f.must(os.RemoveAll(f.path("run"))) })
		f.fails(r, "no such file or directory")
	}},
	{"directory moved before the stage", false, func(f *faulty) {
		r := f.atBirth(stageBirth, func(int) { f.must(os.Rename(f.path("run"), f.path("moved"))) })
		f.fails(r, "")
	}},
	{"directory replaced by a link before the stage", false, func(f *faulty) {
		f.must(os.MkdirAll(f.path("outside"), 0o755))
		r := f.atBirth(stageBirth, func(int) {
			f.must(errors.Join(os.Rename(f.path("run"), f.path("moved")), os.Symlink(f.path("outside"), f.path("run"))))
		})
		f.fails(r, "")
		if entries, _ := os.ReadDir(f.path("outside")); len(entries) > 0 {
			f.fault("torn pidfiles", "%s: %v is created through the link", f.name, entries)
		}
	}},
	{"directory gone while stopping", true, func(f *faulty) {
		done := make(chan ran, 1)
		go func() { done <- f.mgr("object.1", "stop") }()
		f.must(f.await("swift-object-server object-server/1.conf 1 signal TERM"))
		f.must(unix.Unmount(f.path("run"), unix.MNT_DETACH))
		f.must(os.RemoveAll(f.path("run")))
		f.stops(<-done)
	}},
	{"stage killed before its first instruction", false, func(f *faulty) { f.fails(f.atBirth(stageBirth, f.murder), "SIGKILL") }},
	{"stage killed as it executes", false, func(f *faulty) { f.fails(f.atBirth(serverBirth, f.murder), "SIGKILL") }},
	{"hidden processes", false, func(f *faulty) {
		f.mount("mode=755,uid=65534,gid=65534")
		f.ready(f.mgr("object.1", "start"))
		f.must(unix.Mount("", "/proc", "proc", unix.MS_REMOUNT, "hidepid=2"))
		for _, command := range []string{"status", "start", "stop", "restart", "reload", "kill-children", "stop --kill-after-timeout -k 0.1"} {
			r := f.as(append([]string{"object.1"}, strings.Fields(command)...)...)
			if lines, other := complaints(r.stderr); r.code == 0 || r.code > 4 || r.err != nil || len(lines) == 0 || other {
				f.fault("unclear failures", "%s: %s: %v", f.name, command, r)
			}
			f.runs(1)
			f.tracked()
		}
		f.must(unix.Mount("", "/proc", "proc", unix.MS_REMOUNT, "hidepid=0"))
	}},
	{"hidden processes, but one's own", false, func(f *faulty) {
		f.mount("mode=777")
		f.must(unix.Mount("", "/proc", "proc", unix.MS_REMOUNT, "hidepid=2"))
		f.ready(f.as("object.1", "start"))
		f.runs(1)
		f.tracked()
		f.stops(f.as("object.1", "stop"))
		f.must(unix.Mount("", "/proc", "proc", unix.MS_REMOUNT, "hidepid=0"))
	}},
}

// deprive goes through the cases, and through starting and stopping as ever after each.
func deprive(c *cell) {
	c.must(os.Chmod(c.path("log"), 0o777))
	c.must(c.writeConf("object-server/1.conf stop_delay = 0.05"))
	for _, fc := range faults {
		f := &faulty{c, fc.name}
		f.count("cases", 1)
		if fc.running {
			f.mount("size=1m")
			f.ready(f.mgr("object.1", "start"))
		}
		fc.do(f)
		f.tracked()
		f.clear()
		f.ready(f.mgr("object.1", "start"))
		f.runs(1)
		f.clear()
	}
}

// mount mounts a run directory.
func (f *faulty) mount(options string) {
	f.must(os.MkdirAll(f.path("run"), 0o755))
	flags := uintptr(0)
	if options == "ro" {
		flags, options = unix.MS_RDONLY, ""
	}
	f.must(unix.Mount("harness", f.path("run"), "tmpfs", flags, options))
}

// fill leaves no room in the run directory.
func (f *faulty) fill() {
	file, err := os.Create(f.path("run/.mgr.fill"))
	f.must(err)
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		f.Fatal(err)
	}
}

// clear leaves neither processes nor a run directory.
func (f *faulty) clear() {
	for _, p := range f.processes() {
		f.must(p.kill())
		p.close()
	}
	for unix.Unmount(f.path("run"), 0) == nil {
	}
	for _, name := range []string{"run", "moved", "outside"} {
		f.must(os.RemoveAll(f.path(name)))
	}
	logs, err := filepath.Glob(f.path("log/*"))
	for _, log := range logs {
		err = errors.Join(err, os.Remove(log))
	}
	f.must(err)
}

// fails judges a command that cannot succeed: one line, which says why.
func (f *faulty) fails(r ran, why string) {
	f.Helper()
	if r.err != nil || r.code != 1 && r.code != 2 {
		f.fault("wrong statuses", "%s: %v", f.name, r)
	}
	lines, other := complaints(r.stderr)
	if len(lines) != 1 || other || !strings.Contains(lines[0], why) {
		f.fault("unclear failures", "%s: want one line with %q: %v", f.name, why, r)
	}
}

func (f *faulty) ready(r ran) {
	f.Helper()
	if r.code != 0 || r.err != nil {
		f.fault("wrong statuses", "%s: a start as ever: %v", f.name, r)
	}
}

// stops judges a stop of a server that can be stopped.
func (f *faulty) stops(r ran) {
	f.Helper()
	if lines, other := complaints(r.stderr); r.err != nil || r.code != 0 && (r.code != 1 || len(lines) == 0) || other {
		f.fault("wrong statuses", "%s: %v", f.name, r)
	}
	f.runs(0)
}

// runs says how many servers have to run.
func (f *faulty) runs(want int) {
	f.Helper()
	if pids := f.serversOf(f.path("conf/object-server/1.conf")); len(pids) != want {
		f.fault("untracked servers", "%s: servers %v, want %d", f.name, pids, want)
	}
}

// tracked compares processes and pidfiles.
func (f *faulty) tracked() {
	f.Helper()
	pids, torn := f.pidfiles()
	for _, name := range torn {
		f.fault("torn pidfiles", "%s: %s", f.name, name)
	}
	for _, p := range f.processes() {
		if runs(p.pid, f.program) { // a stage ends on its own, once it sees that its mgr has
			_ = p.wait()
		}
		if p.alive() && p.pid != pids["object-server/1.pid"] {
			f.fault("untracked servers", "%s: %d runs, the pidfiles are %v", f.name, p.pid, pids)
		}
		p.close()
	}
}

// atBirth starts the server, and does something at a moment of that.
func (f *faulty) atBirth(when kind, do func(pid int)) ran {
	gate := f.newGate(func(b birth) {
		if b.kind == when {
			do(b.pid)
		}
	})
	defer gate.open()
	return f.mgr("object.1", "start")
}

// murder kills a process that is held up.
func (f *faulty) murder(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	f.must(err)
	defer unix.Close(fd)
	f.must(unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0))
}
