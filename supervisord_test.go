package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
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
	{".*", "env (SHLVL|SSH_CONNECTION)", `.+`, `-`, "belongs to the caller's session (README, What a started server gets)"},
	{"bar|foo:.*", "cwd", `/home/chrism`, `/`, "mgr's own working directory is anybody's, supervisord's is the one that it was started in"},
	{".*", "soft limit of (files|processes)", `(1024|200)`, `(600|150)`, "minfds and minprocs of a supervisord.conf that does not name them are about supervisord's own needs"},
	{"file /var/log/supervisor/.*", "mode", `-rw-(r--r--|------)`, `-rw-r-----`, "a log may hold what is not for everybody; supervisord makes it with its own umask"},
	{"file /var/log/supervisor/.*", "owner", `0 0`, `\d+ \d+`, "the server has it open itself, and may not be root"},
}

// supervisordMains are the main files that are tried: what is put behind Debian's [supervisord].
var supervisordMains = []struct{ name, more string }{
	{"as Debian ships it", ""},
	{"with all that it can say for its programs", `
environment=GREETING="hello",SITE=%(ENV_HOME)s/site, A="of all"
umask=077
directory=/srv
minfds=2048
minprocs=300
identifier=it
nocleanup=true
`},
}

// TestSupervisord uses a supervisord.conf as a profile: Debian's, unchanged in its own place, with programs of Supervisor's
// documentation in conf.d. It is started by supervisord and by mgr, from the same environment and working directory, and
// what /proc tells of the processes has to be the same but for the differences in the table.
//
// All of it happens in a mount namespace, where the directories that the file names are empty and of the test alone: so
// not a word of it has to be changed. supervisord is one that has put itself into the background, as it does unless it is
// told not to: only then its umask is the one of the file.
func TestSupervisord(t *testing.T) {
	for _, file := range []string{"/usr/bin/supervisord", "/usr/bin/supervisorctl", supervisordMain} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("needs Debian's supervisor: ", err)
		}
	}
	experiment{name: "supervisord", counts: []string{"processes", "facts", "declared differences"}, zeros: []string{"other differences", "wrong statuses", "processes left"},
		shards: 1, run: besideSupervisord}.conduct(t)
}

const (
	supervisordMain = "/etc/supervisor/supervisord.conf"
	supervisordLogs = "/var/log/supervisor"
)

func besideSupervisord(c *cell) {
	c.must(furnish())
	main, err := os.ReadFile(supervisordMain)
	c.must(err)
	seen := map[supervisordDifference]bool{}
	for _, m := range supervisordMains {
		if m.more != "" {
			c.must(overlay(supervisordMain, strings.Replace(string(main), "[supervisord]\n", "[supervisord]\n"+m.more, 1)))
		}
		w := worlds{cell: c, name: m.name}
		theirs := w.supervisord()
		w.check()
		ours := w.mgr()
		w.compare(theirs, ours, seen)
		if c.Failed() {
			return
		}
	}
	for _, d := range supervisordDifferences {
		if !seen[d] {
			c.fault("other differences", "declared, but not seen: %+v", d)
		}
	}
}

// furnish makes the directories that the profile names, and chrism, who is in two groups.
func furnish() error {
	var errs []error
	for _, dir := range []string{"/run", "/home", "/srv", supervisordLogs, "/etc/supervisor/conf.d"} {
		errs = append(errs, os.MkdirAll(dir, 0o755), unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"))
	}
	confs, err := filepath.Glob("testdata/supervisord/*.conf")
	errs = append(errs, err)
	for _, conf := range confs {
		text, err := os.ReadFile(conf)
		errs = append(errs, err, os.WriteFile("/etc/supervisor/conf.d/"+filepath.Base(conf), text, 0o644))
	}
	// Not everything that lies in a directory is meant.
	errs = append(errs, os.WriteFile("/etc/supervisor/conf.d/.#hidden.conf", []byte("[program:hidden]\ncommand = /bin/cat\n"), 0o644))
	for file, line := range map[string]string{
		"/etc/passwd": "chrism:x:4711:4712:Chris:/home/chrism:/bin/sh\n",
		"/etc/group":  "chrism:x:4712:\nzope:x:4713:chrism\nothers:x:4714:root,chrism\n",
	} {
		text, err := os.ReadFile(file)
		errs = append(errs, err, overlay(file, string(text)+line))
	}
	errs = append(errs, os.MkdirAll("/home/chrism/bin", 0o755), unix.Mkfifo("/home/chrism/quiet", 0o644))
	for name, text := range map[string]string{
		"httpd":   "#!/bin/sh\necho to stdout\necho to stderr >&2\nread line </home/chrism/quiet\n",
		"runzeo":  "#!/bin/sh\nread line </home/chrism/quiet\n",
		"runzope": "#!/bin/sh\necho started\nread line </home/chrism/quiet\n",
	} {
		errs = append(errs, os.WriteFile("/home/chrism/bin/"+name, []byte(text), 0o755))
	}
	return errors.Join(errs...)
}

// overlay puts a text in the place of a file for everybody in this mount namespace.
func overlay(file, text string) error {
	f, err := os.CreateTemp("", "overlay")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chmod(0o644), f.Close(), unix.Mount(f.Name(), file, "", unix.MS_BIND, ""))
}

// callersEnv is what both are started with.
var callersEnv = []string{"PATH=/home/chrism/bin:/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8", "GREETING=bon jour",
	"WORDS=one 'two three'", "A=the caller's", "SHLVL=1", "SSH_CONNECTION=192.0.2.1 22 192.0.2.2 22"}

// worlds are supervisord's and mgr's, one after the other.
type worlds struct {
	*cell
	name string
}

// A supervised is what one of the two made: facts of processes and of files, and what a name selects.
type supervised struct {
	facts    map[string]map[string]string // by process, or file
	selected map[string][]string          // processes, by the operator's words
}

// selections are names that supervisorctl understands.
var selections = []string{"all", "cat", "apache2", "sample:*", "sample:sample_08", "foo:*", "foo:bar", "foo:baz sample:sample_07"}

// call runs a program as the caller would, with soft limits that are lower than the hard ones.
func (w worlds) call(status int, argv ...string) string {
	w.Helper()
	cmd := exec.Command("/usr/bin/prlimit", append([]string{"--nofile=600:4096", "--nproc=150:4096", "--core=0:0"}, argv...)...)
	cmd.Dir, cmd.Env = "/home/chrism", callersEnv
	r := finish(cmd, make(chan bool))
	if r.code != status || r.err != nil || r.stderr != "" {
		w.fault("wrong statuses", "%s: %q: %v", w.name, argv, r)
	}
	return r.stdout
}

// supervisord starts all, looks at it, and stops all.
func (w worlds) supervisord() supervised {
	w.call(0, "/usr/bin/supervisord", "-c", supervisordMain)
	w.must(watchDir(supervisordLogs, func() bool {
		log, _ := os.ReadFile(supervisordLogs + "/supervisord.log")
		return bytes.Count(log, []byte("entered RUNNING state")) == 7
	}))
	s := w.look("SUPERVISOR_", "PROCESS_NAME")
	for _, words := range selections {
		out := w.call(0, append([]string{"/usr/bin/supervisorctl", "-c", supervisordMain, "status"}, strings.Fields(words)...)...)
		for line := range strings.Lines(out) {
			s.selected[words] = append(s.selected[words], strings.Fields(line)[0])
		}
		slices.Sort(s.selected[words])
	}
	pid, err := os.ReadFile("/run/supervisord.pid")
	w.must(err)
	n, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	w.must(err)
	fd, err := unix.PidfdOpen(n, 0)
	w.must(err)
	defer unix.Close(fd)
	w.call(0, "/usr/bin/supervisorctl", "-c", supervisordMain, "shutdown")
	w.must((&process{pid: n, fd: fd}).wait())
	w.clear("SUPERVISOR_PROCESS_NAME")
	return s
}

// mgr does the same.
func (w worlds) mgr() supervised {
	run := func(words ...string) string {
		return w.call(0, append([]string{w.program, "--profile", supervisordMain}, words...)...)
	}
	run("start", "all")
	s := w.look("MGR_", "SERVER_NAME")
	for _, words := range selections {
		var doc struct {
			Instances []struct {
				PID int `json:"pid_before"`
			}
		}
		w.must(json.Unmarshal([]byte(run(append([]string{"status", "--json"}, strings.Fields(words)...)...)), &doc))
		for _, i := range doc.Instances {
			env := environOf(i.PID)
			s.selected[words] = append(s.selected[words], namespec(env["MGR_GROUP_NAME"], env["MGR_SERVER_NAME"]))
		}
		slices.Sort(s.selected[words])
	}
	run("stop", "all")
	w.clear("MGR_SERVER_NAME")
	return s
}

// clear makes sure that no process is left, and removes the logs.
func (w worlds) clear(mark string) {
	for pid := range processesWith(mark) {
		w.fault("processes left", "%s: pid %d, %v", w.name, pid, environOf(pid))
	}
	logs, err := filepath.Glob(supervisordLogs + "/*")
	w.must(err)
	for _, log := range logs {
		w.must(os.RemoveAll(log))
	}
}

// namespec is how supervisorctl names a process.
func namespec(group, name string) string {
	if group == name {
		return name
	}
	return group + ":" + name
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

func (d supervisordDifference) is(name, fact, theirs, ours string) bool {
	for pattern, text := range map[string]string{d.process: name, d.fact: fact, d.theirs: theirs, d.ours: ours} {
		if !regexp.MustCompile("^(" + pattern + ")$").MatchString(text) {
			return false
		}
	}
	return true
}

// pointless are the keys of programs that mean nothing to mgr; killasgroup=false is one since mgr does otherwise.
var pointless = map[string]bool{"autostart": true, "autorestart": true, "serverurl": true, "killasgroup": true,
	"stdout_logfile_maxbytes": true, "stdout_logfile_backups": true, "stdout_capture_maxbytes": true, "stdout_events_enabled": true,
	"stderr_logfile_maxbytes": true, "stderr_logfile_backups": true, "stderr_capture_maxbytes": true, "stderr_events_enabled": true}

// ownBusiness are the keys of [supervisord] that are about itself alone.
var ownBusiness = map[string]bool{"logfile": true, "pidfile": true, "identifier": true, "nocleanup": true}

// check makes sure that check -v tells of every key and section of the files that means nothing, and of no other.
func (w worlds) check() {
	var want []string
	files, err := filepath.Glob("/etc/supervisor/conf.d/*.conf")
	w.must(err)
	for _, file := range append([]string{supervisordMain}, files...) {
		if strings.HasPrefix(filepath.Base(file), ".") {
			continue
		}
		text, err := os.ReadFile(file)
		w.must(err)
		section, number := "", 0
		for line := range strings.Lines(string(text)) {
			number++
			key := strings.TrimSpace(strings.SplitN(line, "=", 2)[0])
			if m := regexp.MustCompile(`^\[(.+)\]`).FindStringSubmatch(line); m != nil {
				section, key = m[1], ""
			}
			kind, _, _ := strings.Cut(section, ":")
			switch {
			case strings.TrimLeft(line, " \t") != line:
			case kind == "supervisord" && ownBusiness[key], kind == "program" && pointless[key],
				key == "" && slices.Contains([]string{"unix_http_server", "supervisorctl", "rpcinterface"}, kind) && strings.HasPrefix(line, "["):
				want = append(want, fmt.Sprintf("%s:%d: [%s]", file, number, section))
			}
		}
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^(/[^:]+:\d+: \[[^]]+\]): .`).FindAllStringSubmatch(w.call(0, w.program, "--profile", supervisordMain, "check", "-v"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		w.fault("other differences", "%s: what check -v says that means nothing (-in the files +said):\n%s", w.name, diff)
	}
}
