package main

import (
	"maps"
	"regexp"
	"slices"

	"github.com/google/go-cmp/cmp"
)

// A supervisordDifference is a fact in which a process that mgr started is not like the one that supervisord started, and
// why that is so. The patterns are anchored; processes are named as supervisorctl names them.
type supervisordDifference struct{ process, fact, theirs, ours, why string }

// supervisordDifferences are all that there may be, and each has to be seen.
var supervisordDifferences = []supervisordDifference{
	{".*", "fd 0", `pipe`, `/dev/null`, "supervisorctl fg writes to that pipe; mgr does not stay to hold it"},
	{".*", "fd [12]", `pipe`, `/var/log/supervisor/.*\.(log|out|err)`, "mgr does not stay to copy output: the server has the log file itself"},
	{".*", "session", `of another`, `leader`, "no terminal can come back, and a stop finds what belongs to the server by it"},
	{".*", "ignored signals", `00000000.1001000`, `0000000000000000`, "Python ignores SIGPIPE and SIGXFSZ, and its children inherit that, and what its caller ignores"},
	{"apache2", "env DOUBLE", `say "so`, `say "so"`, "supervisord strips quotes of both kinds from the end of a value"},
	{".*", "env SERVER_URL", `unix:///var/run/supervisor.sock`, `-`, "there is no server to talk to"},
	{".*", "env PIDFILE", `-`, `/run/mgr/.*\.pid`, "a server that has lost its pidfile is found by it"},
	{".*", "env (SHLVL|SSH_CONNECTION)", `.+`, `-`, "belongs to the caller's session (README, What a started server gets)"},
	{"bar|foo:.*", "cwd", `/home/chrism`, `/`, "mgr's own working directory is anybody's, supervisord's is the one that it was started in"},
	{".*", "soft limit of (files|processes)", `(1024|200)`, `(600|150)`, "minfds and minprocs of a supervisord.conf that does not name them are about supervisord's own needs"},
	{"file /var/log/supervisor/.*", "mode", `-rw-(r--r--|------)`, `-rw-r-----`, "a log may hold what is not for everybody; supervisord makes it with its own umask"},
	{"file /var/log/supervisor/.*", "owner", `0 0`, `\d+ \d+`, "the server has it open itself, and may not be root"},
}

func (d supervisordDifference) is(name, fact, theirs, ours string) bool {
	for pattern, text := range map[string]string{d.process: name, d.fact: fact, d.theirs: theirs, d.ours: ours} {
		if !regexp.MustCompile("^(" + pattern + ")$").MatchString(text) {
			return false
		}
	}
	return true
}

// compare holds the two against each other.
func (w worlds) compare(theirs, ours supervised, seen map[supervisordDifference]bool) {
	if diff := cmp.Diff(theirs.selected, ours.selected); diff != "" {
		w.fault("other differences", "%s: what names select (-supervisorctl +mgr):\n%s", w.name, diff)
	}
	who := maps.Clone(theirs.facts)
	maps.Copy(who, ours.facts)
	for _, name := range slices.Sorted(maps.Keys(who)) {
		if theirs.facts[name] == nil || ours.facts[name] == nil {
			w.fault("other differences", "%s: %s: theirs %v, ours %v", w.name, name, theirs.facts[name], ours.facts[name])
			continue
		}
		w.count("processes", 1)
		facts := maps.Clone(theirs.facts[name])
		maps.Copy(facts, ours.facts[name])
		for _, fact := range slices.Sorted(maps.Keys(facts)) {
			w.count("facts", 1)
			w.judge(name, fact, theirs.facts[name], ours.facts[name], seen)
		}
	}
}

// judge compares one fact; one that is not there is "-".
func (w worlds) judge(name, fact string, theirs, ours map[string]string, seen map[supervisordDifference]bool) {
	value := func(facts map[string]string) string {
		if v, ok := facts[fact]; ok {
			return v
		}
		return "-"
	}
	a, b := value(theirs), value(ours)
	if a == b {
		return
	}
	for _, d := range supervisordDifferences {
		if d.is(name, fact, a, b) {
			seen[d] = true
			w.count("declared differences", 1)
			return
		}
	}
	w.fault("other differences", "%s: %s: %s: supervisord %q, mgr %q", w.name, name, fact, a, b)
}
