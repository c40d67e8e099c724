package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The names of contenders.
const (
	mgr        = "mgr"
	floor      = "floor"
	stageFloor = "floor, stage"
	swift      = "swift-init"
	runit      = "sv"
	s6         = "s6"
	super      = "supervisorctl"
	ssd        = "start-stop-daemon"
)

// rows are what is measured, in the order of the report.
func rows() []row {
	return []row{
		{name: "help", setup: helps, targets: []target{{floor, 3.5}, {"true", 2.7}}},
		{name: "status of 57", setup: status(57), targets: []target{{floor, 2.3}, {swift, 1.0 / 200}}},
		{name: "status of 1,000", every: 2, setup: status(1000), targets: []target{{floor, 1.1}, {runit, 1}}},
		{name: "status of 10,000", every: 2, setup: status(10000), targets: []target{{floor, 0.9}, {runit, 1}}},
		{name: "start of 57", setup: start(57), targets: []target{{stageFloor, 3}, {swift, 1}, {super, 1}}},
		{name: "start of 1,000", every: 2, setup: start(1000), targets: []target{{stageFloor, 3}, {swift, 1}, {super, 1}}},
		{name: "start of 10,000", every: 7, setup: start(10000)},
		{name: "stop of 57", setup: stop(57), targets: []target{{floor, 3}}},
		{name: "stop of 1,000", every: 2, setup: stop(1000), targets: []target{{floor, 1.7}}},
		{name: "stop of 10,000", every: 3, setup: stop(10000), targets: []target{{floor, 1.15}}},
		{name: "last death to end of stop, 1", field: latency, setup: lastDeath(1), targets: []target{{"", 0.5}}},
		{name: "last death to end of stop, 57", field: latency, setup: lastDeath(57), targets: []target{{"", 1}}},
		{name: "reload --serial 0 of 13 that take 1 s", every: 2, setup: reload, targets: []target{{floor, 1.05}}},
		{name: "reload-seamless of 13, no tests", setup: seamless(untested), targets: []target{{floor, 3}}},
		{name: "reload-seamless of 13, confs tested", setup: seamless(tested)},
		{name: "peak memory at 57", unit: "MB", field: memory, setup: peaks(57, 0), targets: []target{{"", 10}}},
		{name: "peak memory at 10,000", unit: "MB", every: 7, field: memory, setup: peaks(10000, 0), targets: []target{{"", 20}}},
		{name: "10,000 with 1,024 descriptors", every: 7, setup: peaks(10000, 1024)},
	}
}

func latency(s sample) float64 { return s.latency.Seconds() * 1000 }
func memory(s sample) float64  { return float64(s.rss) / 1e6 }

// instances is the tree with n instances.
func (w *world) instances(n int) (*tree, error) {
	if n == 57 {
		return w.all()
	}
	return w.manyServers(n)
}

// helps measures what it takes to start at all.
func helps(w *world) ([]contender, error) {
	return []contender{
		{name: mgr, call: call{argv: []string{w.bin("mgr"), "--help"}}},
		{name: floor, call: call{argv: []string{w.bin("floor"), "nothing"}}},
		{name: "true", call: call{argv: []string{"/bin/true"}}},
	}, nil
}

func status(n int) func(*world) ([]contender, error) {
	return func(w *world) ([]contender, error) {
		t, err := w.instances(n)
		if err != nil {
			return nil, err
		}
		out := []contender{
			{name: mgr, prepare: t.start, call: t.mgr("status")},
			{name: floor, prepare: t.start, call: t.floor("status")},
		}
		if c, ok := t.swiftInit("status"); ok {
			out = append(out, contender{name: swift, once: n > 1000, prepare: t.start, call: c})
		}
		if c, ok := t.startStopDaemon("status"); ok && n <= 1000 {
			out = append(out, contender{name: ssd, once: n > 57, prepare: t.start, call: c})
		}
		supervised, err := w.supervised(n, "status", nil)
		return append(out, supervised...), err
	}
}

// supervised are the contenders that are parents of what they start. before is the command that makes way for the
// measured one.
func (w *world) supervised(n int, command string, before *string) ([]contender, error) {
	var out []contender
	add := func(name string, once bool, control func(string) call, ok bool, err error) error {
		if !ok || err != nil {
			return err
		}
		c := contender{name: name, once: once, call: control(command)}
		if before != nil {
			c.prepare = func() error { p := control(*before); return w.run(p.env, p.argv...) }
		}
		out = append(out, c)
		return nil
	}
	if n > 1000 || w.short && n > 57 {
		if command != "status" {
			return nil, nil
		}
		control, ok, err := w.heldRunit(n)
		return out, errors.Join(add(runit, false, control, ok, err), err)
	}
	sv, ok, err := w.runit(n)
	if err := add(runit, n > 57 && command != "status", sv, ok, err); err != nil {
		return nil, err
	}
	six, ok, err := w.s6(n)
	if err := add(s6, n > 57, six, ok, err); err != nil {
		return nil, err
	}
	ctl, ok, err := w.supervisor(n)
	if err := add(super, n > 57, ctl, ok, err); err != nil {
		return nil, err
	}
	return out, nil
}

func start(n int) func(*world) ([]contender, error) {
	return func(w *world) ([]contender, error) {
		t, err := w.instances(n)
		if err != nil {
			return nil, err
		}
		out := []contender{
			{name: mgr, prepare: t.stop, call: t.mgr("start"), check: t.running},
			{name: stageFloor, prepare: t.stop, call: t.floor("stage-start"), check: t.running},
			{name: floor, prepare: t.stop, call: t.floor("start"), check: t.running},
		}
		if c, ok := t.swiftInit("start"); ok && n <= 1000 {
			out = append(out, contender{name: swift, once: n > 57, prepare: t.stop, call: c, check: t.running})
		}
		if c, ok := t.startStopDaemon("start"); ok && n <= 57 {
			out = append(out, contender{name: ssd, prepare: t.stop, call: c, check: t.runningSoon})
		}
		stop := "stop"
		supervised, err := w.supervised(n, "start", &stop)
		return append(out, supervised...), err
	}
}

func stop(n int) func(*world) ([]contender, error) {
	return func(w *world) ([]contender, error) {
		t, err := w.instances(n)
		if err != nil {
			return nil, err
		}
		out := []contender{
			{name: mgr, prepare: t.start, call: t.mgr("stop"), check: t.stopped},
			{name: floor, prepare: t.start, call: t.floor("stop"), check: t.stopped},
		}
		if c, ok := t.swiftInit("stop"); ok && n <= 1000 {
			out = append(out, contender{name: swift, once: n > 57, prepare: t.start, call: c, check: t.stopped})
		}
		if c, ok := t.startStopDaemon("stop"); ok && n <= 57 {
			out = append(out, contender{name: ssd, prepare: t.start, call: c, check: t.stopped})
		}
		start := "start"
		supervised, err := w.supervised(n, "stop", &start)
		return append(out, supervised...), err
	}
}

// lastDeath measures how long a stop goes on after the last daemon has called _exit(2).
func lastDeath(n int) func(*world) ([]contender, error) {
	return func(w *world) ([]contender, error) {
		t, err := w.instances(n)
		if err != nil {
			return nil, err
		}
		stamp := t.list + ".stamp"
		if err := os.WriteFile(stamp, make([]byte, 8), 0o644); err != nil {
			return nil, err
		}
		t.env = []string{"BENCH_STAMP=" + stamp}
		var out []contender
		for name, c := range map[string]call{mgr: t.mgr("stop"), floor: t.floor("stop")} {
			c.stamp = stamp
			out = append(out, contender{name: name, prepare: t.start, call: c, check: t.stopped})
		}
		return out, nil
	}
}

// reload measures a reload of all at once, with a floor that stops and starts.
func reload(w *world) ([]contender, error) {
	t, err := w.main()
	if err != nil {
		return nil, err
	}
	t.env = []string{"BENCH_DELAY=1000"}
	both := call{
		argv: []string{"/bin/sh", "-c", `"$1" stop "$2" && exec "$1" stage-start "$2"`, "sh", w.bin("floor"), t.list},
		env:  t.env,
	}
	out := []contender{
		{name: mgr, prepare: t.start, call: t.mgr("reload", "--serial", "0"), check: t.running},
		{name: floor, prepare: t.start, call: both, check: t.running},
	}
	if c, ok := t.swiftInit("reload"); ok {
		out = append(out, contender{name: swift, once: true, prepare: t.start, call: c, check: t.running})
	}
	return out, nil
}

// Whether mgr tests the confs first. Swift's servers can from 2.32 on, and a test is a process for each.
type testing bool

const (
	untested testing = false
	tested   testing = true
)

// seamless measures a reload-seamless that does not wait until the servers are ready.
func seamless(mode testing) func(*world) ([]contender, error) {
	return func(w *world) ([]contender, error) {
		t, err := w.main()
		if err != nil {
			return nil, err
		}
		reload := t.mgr("reload-seamless", "--no-wait")
		if mode == untested {
			profile, err := w.profileWithoutTests()
			if err != nil {
				return nil, err
			}
			reload.env = append(reload.env, "MGR_PROFILE="+profile)
		}
		out := []contender{
			{name: mgr, prepare: t.start, call: reload, check: t.runningSoon},
			{name: floor, prepare: t.start, call: t.floor("signal", "10"), check: t.runningSoon},
		}
		if c, ok := t.swiftInit("reload-seamless"); ok {
			out = append(out, contender{name: swift, prepare: t.start, call: c, check: t.runningSoon})
		}
		return out, nil
	}
}

// profileWithoutTests is the built-in profile without its checkcommands.
func (w *world) profileWithoutTests() (string, error) {
	text, err := exec.Command(w.bin("mgr"), "profile").Output()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "checkcommand") {
			out.WriteString(line)
		}
	}
	path := filepath.Join(w.dir, "untested.ini")
	return path, os.WriteFile(path, []byte(out.String()), 0o644)
}

// peaks measures each command of mgr's as a contender of its own, so that a limit that is reached is seen beside those
// that are not. nofile is the limit of open files, 0 for the caller's.
func peaks(n, nofile int) func(*world) ([]contender, error) {
	return func(w *world) ([]contender, error) {
		t, err := w.instances(n)
		if err != nil {
			return nil, err
		}
		var out []contender
		for _, c := range []contender{
			{name: "status", prepare: t.start, check: t.running},
			{name: "stop", prepare: t.start, check: t.stopped},
			{name: "start", prepare: t.stop, check: t.running},
		} {
			c.call = t.mgr(c.name)
			c.call.nofile = nofile
			c.name = mgr + " " + c.name
			out = append(out, c)
		}
		return out, nil
	}
}
