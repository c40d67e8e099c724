package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSurvivors stops servers that do what they can to stay: after `mgr stop -k 0.3 --kill-after-timeout` nothing is left of
// a server's tree, and what shares its group with it and is none of its is untouched.
func TestSurvivors(t *testing.T) {
	experiment{name: "survivors", counts: []string{"trials", "processes"}, shards: 2, run: stopStubborn,
		zeros: []string{"survivors", "bystanders hit", "wrong statuses", "pidfiles left"}}.conduct(t)
}

// A stubborn is a server that is hard to stop.
type stubborn struct {
	server  string // its conf
	workers string // the conf of its workers; "": it has none
	how     string // how it gets into its state, by the words below
}

// The states that a server is in when it is to be stopped.
const (
	stopped  = "stopped"  // by SIGSTOP
	zombies  = "zombies"  // its workers have ended, and it does not wait for them
	led      = "led"      // no leader of its group, where bystanders are
	unreaped = "unreaped" // it has ended itself, and nobody waits for it
)

func (s stubborn) is(state string) bool { return slices.Contains(strings.Fields(s.how), state) }

func (s stubborn) String() string {
	return fmt.Sprintf("server {%s}, workers {%s}, %s", s.server, s.workers, s.how)
}

const (
	deaf       = "ignore = TERM,HUP,INT"
	deafWorker = "worker_ignore = TERM,HUP,INT; "
	others     = "worker_name = swift-object-helper; "
)

// stubborns are all trials: kinds of servers with kinds of workers.
func stubborns() (all []stubborn) {
	workers := []string{"", deafWorker + others, deafWorker + others + "worker_session = yes; ", deafWorker + others + "worker_detach = yes; "}
	for _, kin := range []string{"", "worker_session = yes; ", "worker_detach = yes; ", "worker_detach = yes; worker_session = yes; "} {
		workers = append(workers, "worker_ignore = HUP; "+kin, deafWorker+kin)
	}
	for _, lead := range []string{"", led} {
		for _, w := range workers {
			if lead == led && strings.Contains(w, others) && strings.Contains(w, "worker_detach") {
				continue // nothing tells that they are the server's: no parent, no group, no session, no name
			}
			for _, s := range []stubborn{{server: deaf}, {server: deaf, how: stopped}, {server: "stop_delay = 0"}, {server: "stop_delay = 0", how: stopped}} {
				all = append(all, stubborn{s.server, w, s.how + " " + lead})
			}
		}
		all = append(all, stubborn{deaf + "; reap = no", "worker_ignore = HUP; ", zombies + " " + lead})
	}
	return append(all, stubborn{deaf, "", led + " " + unreaped}, stubborn{deaf, deafWorker, led + " " + unreaped})
}

// stopStubborn does the trials of a namespace, some at the same time: they mostly wait.
func stopStubborn(c *cell) {
	var group sync.WaitGroup
	turns := make(chan bool, 8)
	for n, s := range stubborns() {
		if n%c.shards != c.shard {
			continue
		}
		turns <- true
		group.Go(func() {
			defer func() { <-turns }()
			tr := &trial{stubborn: s, cell: c, conf: fmt.Sprintf("%d.conf", n), pidfile: fmt.Sprintf("object-server/%d.pid", n)}
			err := tr.prepare()
			var r ran
			if err == nil {
				r = c.mgr(fmt.Sprintf("object.%d", n), "stop", "-k", "0.3", "--kill-after-timeout")
			}
			if err != nil {
				c.Errorf("%v: %v", s, err)
				return
			}
			tr.judge(r)
		})
	}
	group.Wait()
}

// A trial is one server.
type trial struct {
	stubborn
	*cell
	conf, pidfile string
	server        *process
	bystanders    []*process
	tree          int // processes before the stop
}

// prepare starts the server, and its bystanders, and brings it into its state.
func (tr *trial) prepare() error {
	count := ""
	if tr.workers != "" {
		count = "workers = 2; "
	}
	if err := tr.writeConf("object-server/" + tr.conf + " setsid = no; " + count + tr.workers + tr.stubborn.server); err != nil {
		return err
	}
	start := func() error {
		r := tr.mgr("object."+strings.TrimSuffix(tr.conf, ".conf"), "start")
		if r.code != 0 {
			return errors.New(r.String())
		}
		return nil
	}
	if tr.is(led) {
		start = tr.startByHand
	}
	if err := start(); err != nil {
		return err
	}
	var err error
	if tr.server, err = tr.pidfileProcess(tr.pidfile); err != nil {
		return err
	}
	name := "swift-object-server"
	if strings.Contains(tr.workers, others) {
		name = "swift-object-helper"
	}
	if tr.workers != "" {
		if err := tr.await(name + " object-server/" + tr.conf + " 2 worker-start"); err != nil {
			return err
		}
	}
	return tr.bring()
}

// bring brings the server into its state.
func (tr *trial) bring() error {
	tr.tree = len(tr.alive())
	switch {
	case tr.is(stopped):
		return unix.PidfdSendSignal(tr.server.fd, unix.SIGSTOP, nil, 0)
	case tr.is(unreaped):
		return tr.server.kill()
	case tr.is(zombies):
		for _, pid := range tr.alive() {
			if pid == tr.server.pid {
				continue
			}
			if worker := tr.open(pid); worker != nil {
				defer worker.close()
				if err := worker.kill(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// startByHand starts the server in a group that somebody else leads, as a child of this process, and writes its pidfile.
func (tr *trial) startByHand() error {
	group := 0
	for range 2 {
		bystander := exec.Command("/usr/bin/sleep", "infinity")
		bystander.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
		if err := bystander.Start(); err != nil {
			return err
		}
		if group == 0 {
			group = bystander.Process.Pid
		}
		fd, err := unix.PidfdOpen(bystander.Process.Pid, 0)
		if err != nil {
			return err
		}
		tr.bystanders = append(tr.bystanders, &process{pid: bystander.Process.Pid, fd: fd})
	}
	server := exec.Command(tr.path("bin/swift-object-server"), tr.path("conf/object-server/"+tr.conf))
	server.Env, server.SysProcAttr = tr.env, &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	if err := server.Start(); err != nil {
		return err
	}
	if !tr.is(unreaped) {
		go server.Wait()
	}
	if err := tr.await("swift-object-server object-server/" + tr.conf + " 1 start"); err != nil {
		return err
	}
	return tr.create("run/"+tr.pidfile, fmt.Sprint(server.Process.Pid))
}

// alive gives the living processes that have the trial's conf among their arguments.
func (tr *trial) alive() (pids []int) {
	for _, p := range tr.processes() {
		argv, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
		if err == nil && bytes.Contains(argv, []byte("\x00"+tr.path("conf/object-server/"+tr.conf)+"\x00")) && p.alive() {
			pids = append(pids, p.pid)
		}
		p.close()
	}
	return pids
}

func (tr *trial) judge(r ran) {
	tr.count("trials", 1)
	tr.count("processes", tr.tree)
	left := tr.alive()
	for _, pid := range left {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		tr.fault("survivors", "%v: %q %s, after: %v", tr.stubborn, argv, status, r)
	}
	for _, p := range tr.bystanders {
		if !p.alive() {
			tr.fault("bystanders hit", "%v: %v", tr.stubborn, r)
		}
		p.kill()
		p.close()
	}
	if r.err != nil || r.code != 0 && (r.code != 1 || len(left) == 0 || r.stderr == "") || r.code == 0 && len(left) > 0 {
		tr.fault("wrong statuses", "%v: %d left, and mgr: %v", tr.stubborn, len(left), r)
	}
	if _, err := os.Stat(tr.path("run/" + tr.pidfile)); err == nil && len(left) == 0 {
		tr.fault("pidfiles left", "%v: %v", tr.stubborn, r)
	}
}
