package main

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKillSweep kills mgr, or the stage, or each of them, at a system call of `mgr object.1 start`, and looks at what is
// left: no server, or one that its pidfile names, and servers that can be started and stopped as ever. A sample of the
// system calls is taken; HARNESS_SWEEP=full takes every one.
func TestKillSweep(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace: ", err)
	}
	experiment{name: "sweep", counts: []string{"kills"}, shards: 2, run: sweepKills,
		zeros: []string{"untracked servers", "torn pidfiles", "wrong statuses", "failed starts or stops"}}.conduct(t)
}

const sampled = 40

// A point is where a process is killed: at the entry of the nth call of a name, as each of its threads counts.
type point struct {
	whom string // mgr, stage, or both: whichever gets there
	call string // "": nobody is killed
	nth  int
}

func (p point) String() string {
	return fmt.Sprintf("%s killed at %s:when=%d", p.whom, p.call, p.nth)
}

// A sweeper drives one mgr after the other.
type sweeper struct {
	*cell
	strace  string
	births  chan birth
	proceed chan bool
	over    chan bool // closed at the end
}

func sweepKills(c *cell) {
	c.must(c.writeConf("object-server/1.conf"))
	s := &sweeper{cell: c, births: make(chan birth), proceed: make(chan bool), over: make(chan bool)}
	var err error
	s.strace, err = exec.LookPath("strace")
	c.must(err)
	gate := c.newGate(func(b birth) {
		select {
		case s.births <- b:
			select {
			case <-s.proceed:
			case <-s.over:
			}
		case <-s.over:
		}
	})
	defer gate.open()
	defer close(s.over)
	known := s.collect()
	if os.Getenv("HARNESS_SWEEP") != "full" {
		s.sample(known)
		return
	}
	for _, p := range known {
		missed := 0
		for p.nth = 1 + c.shard; missed < 2; p.nth += c.shards { // until runs survive
			if !s.try(p) {
				missed++
			}
		}
	}
}

// sample tries some points; rare calls are as likely as frequent ones.
func (s *sweeper) sample(known []point) {
	for range sampled / s.shards {
		p := known[rand.N(len(known))]
		p.nth = 1 + rand.N(p.nth)
		s.try(p)
	}
}

var tracedCall = regexp.MustCompile(`(?m)^(\d+) +(\w+)\(`)

// collect gives the last point for every call that undisturbed runs make, whoever makes it.
func (s *sweeper) collect() []point {
	last := map[point]int{}
	for range 2 {
		for _, whom := range []string{"mgr", "stage"} {
			_, trace := s.start(point{whom: whom, call: "all"})
			counts := map[string]int{} // by thread and call
			for _, m := range tracedCall.FindAllStringSubmatch(trace, -1) {
				counts[m[1]+m[2]]++
				for _, w := range []string{whom, "both"} {
					p := point{whom: w, call: m[2]}
					last[p] = max(last[p], counts[m[1]+m[2]])
				}
			}
			s.clear()
		}
	}
	var known []point
	for p, n := range last {
		p.nth = n
		known = append(known, p)
	}
	slices.SortFunc(known, func(a, b point) int { return strings.Compare(a.whom+a.call, b.whom+b.call) })
	if len(known) < 3*20 {
		s.Fatalf("only %d kinds of calls: tracing does not work", len(known))
	}
	return known
}

// A launch is what became of `mgr object.1 start`.
type launch struct {
	ran
	stage  *process // and later the server
	server int      // its pid; 0: the stage did not get there
}

func (l launch) alive() bool { return l.server != 0 && l.stage.alive() }

// start lets mgr start the server, and gives what happened and what was traced.
func (s *sweeper) start(p point) (launch, string) {
	cmd := s.command(s.program, "object.1", "start")
	if p.whom != "stage" {
		cmd = s.command(s.strace, append(s.tracing(p), s.program, "object.1", "start")...)
	}
	l := s.drive(cmd, p)
	trace, err := os.ReadFile(s.path("log/trace"))
	s.must(err)
	return l, string(trace)
}

// drive runs a mgr, and waits until it has ended and its stage has ended or become the server.
func (s *sweeper) drive(cmd *exec.Cmd, p point) (l launch) {
	started, done := make(chan bool), make(chan ran, 1)
	go func() { done <- finish(cmd, started) }()
	var mgr, stage, tracer chan struct{}      // nil: there is none any more
	number, over := 0, time.After(3*patience) // of mgr
	for running := done; running != nil || mgr != nil || stage != nil || tracer != nil; {
		select {
		case b := <-s.births:
			switch b.kind {
			case mgrBirth:
				number = b.pid
				_, mgr = watched(b.pid)
			case stageBirth:
				l.stage, stage = watched(b.pid)
				if p.whom == "stage" {
					tracer = s.attach(p, b.pid)
				}
			case serverBirth:
				l.server, stage = b.pid, nil
				s.atBirth(p, b.pid)
			}
			s.proceed <- true
		case l.ran = <-running:
			running = nil
		case <-mgr:
			mgr = nil
		case <-stage:
			stage = nil
		case <-tracer:
			tracer = nil
		case <-over:
			s.Fatalf("%v: nothing happens", p)
		}
		if p.whom == "both" && l.server != 0 && mgr == nil && running != nil {
			<-started
			s.letGo(cmd.Process, number, l.stage)
		}
	}
	return l
}

// atBirth looks at the pidfile before the server's first instruction.
func (s *sweeper) atBirth(p point, server int) {
	if pids, torn := s.pidfiles(); len(torn) > 0 || pids["object-server/1.pid"] != server {
		s.fault("untracked servers", "%v: %d becomes a server, the pidfiles are %v %v", p, server, pids, torn)
	}
}

// try kills at a point, looks at what is left, and starts and stops the server as ever. It says whether anybody was killed.
func (s *sweeper) try(p point) (killed bool) {
	s.clear()
	l, trace := s.start(p)
	killed = strings.Contains(trace, "+++ killed by SIGKILL +++")
	if killed {
		s.count("kills", 1)
	}
	s.left(p, l)
	if p.whom != "both" && l.code >= 0 && (l.err != nil || l.code > 1 || (l.code == 0) != l.alive()) {
		s.fault("wrong statuses", "%v: the server is alive: %v, and mgr: %v", p, l.alive(), l.ran)
	}
	again := s.drive(s.command(s.program, "object.1", "start"), point{})
	if l.alive() {
		again.server, again.stage = l.server, l.stage
	}
	if again.code != 0 || !again.alive() {
		s.fault("failed starts or stops", "%v: start after it: %v", p, again.ran)
	}
	s.left(p, again)
	stop := s.drive(s.command(s.program, "object.1", "stop"), point{})
	if stop.code != 0 || again.alive() {
		s.fault("failed starts or stops", "%v: stop after it: %v", p, stop.ran)
	}
	s.left(p, stop)
	if pids, _ := s.pidfiles(); len(pids) > 0 {
		s.fault("failed starts or stops", "%v: pidfiles after stop: %v", p, pids)
	}
	entries, err := os.ReadDir(s.path("run"))
	s.must(err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && e.Name() != ".mgr.lock" {
			s.fault("failed starts or stops", "%v: %s is left behind", p, e.Name())
		}
	}
	return killed
}

// left looks at pidfiles and processes: nothing runs but the server that the pidfile names.
func (s *sweeper) left(p point, l launch) {
	pids, torn := s.pidfiles()
	for _, name := range torn {
		s.fault("torn pidfiles", "%v: %s", p, name)
	}
	if l.alive() && !maps.Equal(pids, map[string]int{"object-server/1.pid": l.server}) {
		s.fault("untracked servers", "%v: %d runs, the pidfiles are %v", p, l.server, pids)
	}
	for _, process := range s.processes() {
		if argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", process.pid)); process.pid != l.server && process.alive() {
			s.fault("untracked servers", "%v: %d is left: %q", p, process.pid, argv)
		}
		process.close()
	}
}

// clear leaves neither processes nor files.
func (s *sweeper) clear() {
	for _, p := range s.processes() {
		s.must(p.kill())
		p.close()
	}
	s.must(errors.Join(os.RemoveAll(s.path("run")), os.RemoveAll(s.path("log")), os.Mkdir(s.path("log"), 0o755)))
}
