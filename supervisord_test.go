package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
