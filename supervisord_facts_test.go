package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A supervised is what one of the two made: facts of processes and of files, and what a name selects.
type supervised struct {
	facts    map[string]map[string]string // by process, or file
	selected map[string][]string          // processes, by the operator's words
}

// environOf is the environment that a process was started with.
func environOf(pid int) map[string]string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	env := map[string]string{}
	for pair := range strings.SplitSeq(strings.TrimSuffix(string(text), "\x00"), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

// processesWith gives the environments of all processes that have a variable, but not of their children.
func processesWith(mark string) map[int]map[string]string {
	all := map[int]map[string]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if env := environOf(pid); env[mark] != "" {
			all[pid] = env
		}
	}
	return all
}

// look takes down what /proc tells of the processes, and what became of their logs.
func (w worlds) look(prefix, name string) supervised {
	s := supervised{facts: map[string]map[string]string{}, selected: map[string][]string{}}
	for pid, env := range processesWith(prefix + name) {
		facts := factsOf(pid)
		for variable, value := range env {
			facts["env "+strings.TrimPrefix(variable, prefix)] = value
		}
		facts["env PROCESS_NAME"] = env[prefix+name]
		if name != "PROCESS_NAME" {
			delete(facts, "env "+name)
		}
		who := namespec(env[prefix+"GROUP_NAME"], env[prefix+name])
		if s.facts[who] != nil {
			w.fault("other differences", "%s: %s is there twice", w.name, who)
		}
		s.facts[who] = facts
	}
	host, err := os.Hostname()
	w.must(err)
	for _, log := range []string{"cat.out", "cat.err", "baz.log", "apache2-" + host + ".log"} {
		path := filepath.Join(supervisordLogs, log)
		info, err := os.Stat(path)
		w.must(err)
		w.must(watchDir(supervisordLogs, func() bool { // supervisord's is written some time later
			text, _ := os.ReadFile(path)
			return strings.HasPrefix(log, "cat") || len(text) > 7
		}))
		text, err := os.ReadFile(path)
		w.must(err)
		var st unix.Stat_t
		w.must(unix.Stat(path, &st))
		s.facts["file "+path] = map[string]string{"mode": info.Mode().String(), "text": string(text), "owner": fmt.Sprint(st.Uid, st.Gid)}
	}
	return s
}

// statusFacts are lines of /proc/PID/status.
var statusFacts = map[string]string{"Umask": "umask", "Uid": "uids", "Gid": "gids", "Groups": "groups", "SigIgn": "ignored signals",
	"SigBlk": "blocked signals", "NoNewPrivs": "no new privileges", "CapEff": "capabilities"}

// factsOf is what /proc tells of a process, as far as whoever starts it decides on it.
func factsOf(pid int) map[string]string {
	proc := fmt.Sprintf("/proc/%d/", pid)
	read := func(name string) string {
		text, _ := os.ReadFile(proc + name)
		return string(text)
	}
	link := func(name string) string {
		to, _ := os.Readlink(proc + name)
		kind, _, _ := strings.Cut(to, ":[")
		return kind
	}
	facts := map[string]string{"cmdline": strings.ReplaceAll(read("cmdline"), "\x00", "|"), "cwd": link("cwd"), "exe": link("exe"),
		"oom_score_adj": read("oom_score_adj")}
	for line := range strings.Lines(read("status")) {
		key, value, _ := strings.Cut(line, ":")
		if fact := statusFacts[key]; fact != "" {
			facts[fact] = strings.Join(strings.Fields(value), " ")
		}
	}
	for line := range strings.Lines(read("limits")) {
		for words, name := range map[string]string{"Max open files": "files", "Max processes": "processes", "Max core file size": "core"} {
			if rest, ok := strings.CutPrefix(line, words); ok {
				facts["soft limit of "+name], facts["hard limit of "+name] = strings.Fields(rest)[0], strings.Fields(rest)[1]
			}
		}
	}
	fds, _ := os.ReadDir(proc + "fd")
	for _, fd := range fds {
		facts["fd "+fd.Name()] = link("fd/" + fd.Name())
	}
	_, rest, _ := strings.Cut(read("stat"), ") ")
	stat := strings.Fields(rest) // from the third field on
	leads := func(id string) string {
		if id == strconv.Itoa(pid) {
			return "leader"
		}
		return "of another"
	}
	if len(stat) > 17 {
		facts["process group"], facts["session"], facts["terminal"], facts["nice"] = leads(stat[2]), leads(stat[3]), stat[4], stat[16]
	}
	return facts
}
