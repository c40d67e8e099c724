package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStorm has fifty mgrs at a time act on the same few servers, at random, for HARNESS_STORM seconds, while servers die.
// At the moment in which a process becomes a server it is looked whether there is another one. Then fifty mgrs start one
// stopped instance at once, in rounds.
func TestStorm(t *testing.T) {
	experiment{name: "storm", shards: 1, run: rage,
		counts: []string{"commands", "servers born", "servers killed", "births gone at a second look", "rounds of 50 starts"},
		zeros:  []string{"twins", "untracked servers", "torn pidfiles", "wrong statuses", "hangs", "rounds without exactly one server"},
	}.conduct(t)
}

const (
	crowd    = 50
	rounds   = 20
	lockWait = "10" // seconds: three instances, and the end of their servers, stay below what finish allows
)

// gusts are the commands of the storm, and what they may end with.
var gusts = []struct {
	words    string
	statuses []int
}{
	{"start", []int{0, 1}}, {"start", []int{0, 1}}, {"start --no-wait", []int{0, 1}},
	{"stop", []int{0, 1}}, {"stop -k 0.05 --kill-after-timeout", []int{0, 1}}, {"shutdown", []int{0, 1}},
	{"restart", []int{0, 1}}, {"restart", []int{0, 1}}, {"reload", []int{0, 1}},
	{"status", []int{0, 1, 3, 4}}, {"status", []int{0, 1, 3, 4}}, {"kill-children", []int{0, 1}},
}

// A storm is what goes on in the namespace.
type storm struct {
	*cell
	confs []string
	born  atomic.Int64
	last  *process // the server that was born last, or nil; of the gate's goroutine
}

func rage(c *cell) {
	s := &storm{cell: c}
	for conf, keys := range map[string]string{
		"object-server/1.conf": "workers = 1", "object-server/2.conf": "exit_after = 0.1; exit = 1", "container-server/1.conf": "stop_delay = 0.02",
	} {
		c.must(c.writeConf(conf + " " + keys))
		s.confs = append(s.confs, conf)
	}
	slices.Sort(s.confs)
	gate := c.newGate(s.look)
	defer gate.open()
	seconds, err := strconv.ParseFloat(cmp.Or(os.Getenv("HARNESS_STORM"), "3"), 64)
	c.must(err)
	over := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	s.together(func(int) {
		for time.Now().Before(over) {
			s.gust()
		}
	})
	s.agree()
	s.calm()
	for range rounds {
		s.round()
	}
}

// together does something in a crowd of goroutines.
func (s *storm) together(do func(n int)) {
	var group sync.WaitGroup
	for n := range crowd {
		group.Go(func() { do(n) })
	}
	group.Wait()
}

// gust runs one command.
func (s *storm) gust() {
	g := gusts[rand.N(len(gusts))]
	target := []string{"object.1", "object.1", "object.2", "container.1", "object", "main"}[rand.N(6)]
	r := s.mgr(append(strings.Fields(target+" "+g.words), "--lock-wait", lockWait)...)
	s.count("commands", 1)
	switch {
	case r.err != nil:
		s.fault("hangs", "%s %s: %v", target, g.words, r)
	case !slices.Contains(g.statuses, r.code), r.code == 1 && r.stdout+r.stderr == "", strings.Contains(r.stderr, "goroutine "):
		s.fault("wrong statuses", "%s %s: %v", target, g.words, r)
	}
}

// look is at every birth: the server is the only one of its conf, and its pidfile names it. Now and then the one that was
// born before it dies of that.
func (s *storm) look(b birth) {
	if b.kind != serverBirth {
		return
	}
	s.born.Add(1)
	s.count("servers born", 1)
	argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", b.pid))
	for _, conf := range s.confs {
		if !bytes.HasSuffix(argv, []byte("\x00"+s.path("conf/"+conf)+"\x00")) {
			continue
		}
		for _, other := range s.serversOf(s.path("conf/" + conf)) {
			s.fault("twins", "%s: %d is alive when %d is born", conf, other, b.pid)
		}
		data, err := os.ReadFile(s.path("run/" + strings.TrimSuffix(conf, ".conf") + ".pid"))
		if strings.TrimSpace(string(data)) == fmt.Sprint(b.pid) {
			continue
		}
		// It waits at the gate for this look to end. If it is gone nevertheless, a stop may have been quicker than the look,
		// pidfile and all. That this is the reason is not proved: such births are counted and told, to be looked into.
		if argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", b.pid)); len(argv) == 0 {
			s.count("births gone at a second look", 1)
			fmt.Fprintf(os.Stderr, "storm: %s: %d was gone at a second look; %s\n", conf, b.pid, s.scene(b.pid))
		} else {
			s.fault("untracked servers", "%s: %d is born, its pidfile holds %q, %v; %s", conf, b.pid, data, err, s.scene(b.pid))
		}
	}
	if s.last != nil {
		if rand.N(4) == 0 && unix.PidfdSendSignal(s.last.fd, unix.SIGKILL, nil, 0) == nil {
			s.count("servers killed", 1)
		}
		s.last.close()
	}
	s.last = s.open(b.pid)
}

// scene tells what may explain a fault.
func (s *storm) scene(pid int) string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	locks, _ := os.ReadFile("/proc/locks")
	out := fmt.Sprintf("stat %q, locks %q", stat, locks)
	names, _ := os.ReadDir("/proc")
	for _, name := range names {
		if argv, _ := os.ReadFile("/proc/" + name.Name() + "/cmdline"); len(argv) > 0 {
			out += fmt.Sprintf("\n%s %q", name.Name(), argv)
		}
	}
	return out
}

// agree compares pidfiles and processes, while nothing changes but servers that die by themselves.
func (s *storm) agree() {
	pids, torn := s.pidfiles()
	for _, name := range torn {
		s.fault("torn pidfiles", "%s", name)
	}
	for _, conf := range s.confs {
		servers := s.serversOf(s.path("conf/" + conf))
		named := pids[strings.TrimSuffix(conf, ".conf")+".pid"]
		if len(servers) > 1 {
			s.fault("twins", "%s: %v", conf, servers)
		}
		if len(servers) > 0 && servers[0] != named {
			s.fault("untracked servers", "%s: %v run, the pidfile names %d", conf, servers, named)
		}
	}
}

// calm stops everything.
func (s *storm) calm() {
	if r := s.mgr("main", "stop", "-k", "1", "--kill-after-timeout"); r.code != 0 || r.err != nil {
		s.fault("wrong statuses", "stop: %v", r)
	}
	for _, conf := range s.confs {
		if left := s.serversOf(s.path("conf/" + conf)); len(left) > 0 {
			s.fault("untracked servers", "%s: %v after stop", conf, left)
		}
	}
	if pids, torn := s.pidfiles(); len(pids)+len(torn) > 0 {
		s.fault("torn pidfiles", "after stop: %v %v", pids, torn)
	}
}

// round starts one instance many times at once.
func (s *storm) round() {
	before := s.born.Load()
	s.together(func(int) {
		r := s.mgr("object.1", "start")
		s.count("commands", 1)
		if r.code != 0 || r.err != nil {
			s.fault("wrong statuses", "one of %d starts: %v", crowd, r)
		}
	})
	s.count("rounds of 50 starts", 1)
	if born := s.born.Load() - before; born != 1 {
		s.fault("rounds without exactly one server", "%d were born", born)
	}
	s.agree()
	s.calm()
}
