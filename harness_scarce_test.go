package main

import (
	"fmt"
	"strings"
	"syscall"
)

// lonely is a user whose processes are all the harness's: RLIMIT_NPROC counts those of a user, wherever they are.
const lonely = 64321

// as runs mgr as nobody.
func (f *faulty) as(args ...string) ran { return f.limited(nobody, "", args...) }

// limited runs mgr as a user, below a limit if there is one.
func (f *faulty) limited(uid uint32, limit string, args ...string) ran {
	cmd := f.command(f.program, args...)
	if limit != "" {
		cmd = f.command("/usr/bin/prlimit", append([]string{limit, f.program}, args...)...)
	}
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	f.count("commands", 1)
	return finish(cmd, make(chan bool))
}

// scarce runs a command below a limit that grows: it works, or fails with a line. Where not even the runtime of the
// language gets what it needs, that is whose line it is.
func (f *faulty) scarce(command string, uid uint32, limit string, from, to int) {
	name, wants := f.name, map[string]int{"start": 1, "stop": 0}[command]
	if uid != 0 {
		f.mount("mode=777")
	}
	worked := 0
	for n := from; n <= to; n++ {
		f.name = fmt.Sprintf("%s, %s%d", name, limit, n)
		r := f.limited(uid, fmt.Sprint(limit, n), "object.1", command)
		lines, other := complaints(r.stderr)
		switch {
		case r.code == 0 && r.err == nil:
			worked++
			f.runs(wants)
		case other && refusedByRuntime(r.stderr):
			f.count("refusals by the runtime", 1)
		case r.err != nil, r.code != 1 && r.code != 2:
			f.fault("wrong statuses", "%s: %v", f.name, r)
		case len(lines) == 0 || other:
			f.fault("unclear failures", "%s: %v", f.name, r)
		}
		f.tracked()
		if now := f.serversOf(f.path("conf/object-server/1.conf")); len(now) == wants { // back to where it was
			f.ready(f.mgr("object.1", map[string]string{"start": "stop", "stop": "start"}[command]))
		}
	}
	if worked == 0 {
		f.fault("wrong statuses", "%s: it never works", f.name)
	}
}

// refusedByRuntime says whether the runtime of the language gave up, at its begin or, for want of a thread, at any time
// behind what mgr had said by then.
func refusedByRuntime(stderr string) bool {
	return strings.HasPrefix(stderr, "runtime: ") || strings.HasPrefix(stderr, "fatal error: ") || strings.Contains(stderr, "env: ") ||
		strings.Contains(stderr, "\nruntime: failed to create new OS thread")
}
