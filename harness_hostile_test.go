package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHostilePidfiles gives mgr pidfiles of every hostile kind that is known, at random, under every command. A trial is
// one pidfile under one command. HARNESS_TRIALS says how many, HARNESS_SEED repeats a run.
func TestHostilePidfiles(t *testing.T) {
	began := time.Now()
	f := harness(t, "hostile", 1000)
	figure := fmt.Sprintf("hostile: %d trials, %d innocents signalled, %d hangs, %d crashes, %d files changed outside the run directory",
		f.Trials, f.Signalled, f.Hangs, f.Crashes, f.Changed)
	fmt.Println("harness:", figure)
	t.Logf("%s; %d servers beside them signalled, %d missed; %v", figure, f.Hit, f.Missed, time.Since(began).Round(time.Millisecond))
	if f.Hit == 0 {
		t.Error("mgr signals nothing at all: this proves nothing")
	}
}

// The programs of the group main, each with confs 1.conf to N.conf and a pidfile for each. One of them is a script.
var mainPrograms = []string{"account-server", "container-server", "object-server", "proxy-server"}

const (
	confsEach = 16
	lured     = 3 // the confs up to this one have lures
	script    = "account-server"
)

// A deed is a command of mgr.
type deed struct {
	words string
	acts  bool // it signals a server that runs
}

var deeds = []deed{
	{"status", false}, {"start --dry-run", false}, {"stop --dry-run", false}, {"restart --dry-run", false}, {"list", false},
	{"check", false}, {"start", false}, {"stop", true}, {"stop --kill-after-timeout", true}, {"stop --graceful", true},
	{"restart", true}, {"restart --kill-after-timeout", true}, {"reload", true}, {"reload-seamless", true}, {"kill-children", true},
	{"shutdown", true}, {"kill", true}, {"kill --kill-after-timeout", true}, {"start --no-wait --json", false}, {"status --json -v", false},
}

// hostileWorld is what these trials have besides.
type hostileWorld struct {
	kinds  []trap
	forms  []trap
	lures  map[string]*innocent // by pidfile: what its conf's server looks like
	crowd  []*innocent          // the others
	laid   []string             // the pidfiles of a batch
	held   []*os.File           // held as long as a batch lasts
	before map[string]string    // the tree outside of the run directory
}

// hostile does batches of trials: each has one mgr look at a run directory full of traps.
func (w *world) hostile() error {
	if err := w.settleHostile(); err != nil {
		return err
	}
	for n, done := 0, 0; done < w.job.Trials; n++ {
		w.rnd = rand.New(rand.NewPCG(w.Seed, uint64(n)))
		narrow := w.rnd.IntN(6)
		servers, trials := "main", len(mainPrograms)*confsEach
		switch k := 1 + w.rnd.IntN(confsEach); narrow {
		case 0:
			servers, trials = fmt.Sprintf("main -c %d", k), len(mainPrograms)
		case 1:
			servers, trials = fmt.Sprintf("main.%d", k), len(mainPrograms)
		}
		done += trials
		if n%w.Shares != w.Share {
			continue
		}
		if err := w.batch(n, servers, narrow > 1); err != nil {
			return fmt.Errorf("batch %d: %w", n, err)
		}
		w.figures.Trials += trials
	}
	return nil
}

// settleHostile makes the confs, the innocents, and what must not change.
func (w *world) settleHostile() error {
	w.lures = map[string]*innocent{}
	w.kinds, w.forms = traps()
	errs := []error{os.Chmod(w.root, 0o755), os.Mkdir(w.path("outside"), 0o755), w.create("outside/keep", "as it is"), w.create("outside/dir/keep", ""),
		os.Remove(w.path("bin/swift-" + script)), w.create("bin/swift-"+script, "#!/bin/sh\nexec >&- 2>&- <&-\nwhile :; do /bin/sleep 1000; done\n"),
		os.Chmod(w.path("bin/swift-"+script), 0o755), os.Chown(w.path("outside/keep"), 1, 1), os.Chmod(w.path("outside/keep"), 0o640)}
	for _, program := range mainPrograms {
		for k := 1; k <= confsEach; k++ {
			errs = append(errs, w.create(fmt.Sprintf("conf/%s/%d.conf", program, k), "[fake]\n"))
		}
		for k := 1; k <= lured; k++ {
			in, err := w.spawn("the server itself", likeness{argv: w.argv(program, strconv.Itoa(k)), children: k - 1, sessions: program == "proxy-server"})
			errs = append(errs, err)
			w.lures[fmt.Sprintf("%s/%d.pid", program, k)] = in
			if program == "container-server" {
				errs = append(errs, w.create(fmt.Sprintf("outside/dir/%d.pid", k), fmt.Sprintln(in.pid)))
			}
		}
	}
	argv := func(words ...string) []string { return words }
	server, conf := w.argv("object-server", "1")[0], w.path("conf/object-server/1.conf")
	for what, l := range map[string]likeness{
		"another command":                         {argv: argv("bash"), children: 1},
		"another user's":                          {argv: argv("vi", "/etc/motd"), uid: nobody},
		"the same command with another conf":      {argv: w.argv("object-server", "none")},
		"another user's with another conf":        {argv: w.argv("proxy-server", "none"), uid: nobody, children: 2},
		"a log file's reader":                     {argv: argv("tail", "-f", "/var/log/swift-object-server.log")},
		"a reader of the command and the conf":    {argv: argv("vi", server, conf)},
		"a program that is given the command":     {argv: argv("/bin/sh", "/usr/bin/wrap", w.path("bin/swift-"+script), w.path("conf/account-server/1.conf"))},
		"another interpreter of the script":       {argv: argv("perl", w.path("bin/swift-"+script), w.path("conf/account-server/1.conf"))},
		"a name that begins like the command":     {argv: argv(server+"-old", conf)},
		"a conf that begins like the conf":        {argv: argv(server, conf+".d")},
		"one word of the command and the conf":    {argv: argv(server + " " + conf)},
		"a group whose leader has ended":          {argv: argv("bash"), children: 2, orphaned: true},
		"workers of a server that has ended":      {argv: w.argv("object-server", "none"), children: 2, orphaned: true},
		"no arguments":                            {argv: argv(server)},
		"an empty name":                           {argv: argv("", server, conf)},
		"the conf first":                          {argv: argv(conf, server)},
		"the command of another program, no conf": {argv: argv(w.path("bin/swift-proxy-server"), conf)},
	} {
		in, err := w.spawn(what, l)
		errs = append(errs, err)
		w.crowd = append(w.crowd, in)
	}
	slices.SortFunc(w.crowd, func(a, b *innocent) int { return strings.Compare(a.what, b.what) })
	for _, in := range w.innocents {
		errs = append(errs, write(w.outside(in), fmt.Sprintln(in.pid)))
	}
	profile, err := exec.Command(w.MGR, "profile").Output()
	// The good servers do not re-execute themselves, and need not be waited for.
	quick := strings.Replace(string(profile), "readywaitsecs = 60", "readywaitsecs = 0.5", 1)
	// Nor do they know how to test a conf, or how to say so.
	quick = regexp.MustCompile(`(?m)^checkcommand.*\n`).ReplaceAllString(quick, "")
	if err := errors.Join(append(errs, err, w.create("conf/mgr.conf", quick))...); err != nil {
		return err
	}
	w.env = append(w.env, "MGR_PROFILE="+w.path("conf/mgr.conf"))
	w.before = w.snapshot()
	return nil
}

// outside is a file outside of the run directory that names an innocent.
func (w *world) outside(in *innocent) string { return w.path(fmt.Sprintf("outside/%d.pid", in.pid)) }

// argv is the command line of a server.
func (w *world) argv(program, conf string) []string {
	words := []string{w.path("bin/swift-" + program), w.path("conf/" + program + "/" + conf + ".conf")}
	if program == script {
		words = append([]string{"/bin/sh"}, words...)
	}
	return words
}

// batch is one mgr and the traps that are set for it.
func (w *world) batch(n int, servers string, whole bool) error {
	d, uid := deeds[w.rnd.IntN(len(deeds))], []uint32{0, 0, 0, nobody}[w.rnd.IntN(4)]
	argv := append([]string{w.MGR, "-k", "0.02"}, strings.Fields(servers+" "+d.words)...)
	if w.rnd.IntN(2) == 0 {
		argv = append(argv, "--compat")
	}
	about, foreign, err := w.lay()
	if err != nil {
		return err
	}
	// A server that is well and whose pidfile is, too, shows that mgr does something.
	good, err := w.spawn("a good server", likeness{argv: w.argv("object-server", "good"), children: 1})
	if err != nil {
		return err
	}
	if err := w.create("run/object-server/good.pid", strconv.Itoa(good.pid)); err != nil {
		return err
	}
	stop := w.churn()
	e, err := w.set(fmt.Sprintf("batch %d", n), uid, argv)
	if err != nil {
		return err
	}
	tale := w.end(e)
	stop()
	acted := good.harm() != ""
	w.dismiss(good)
	switch {
	case acted && !d.acts:
		w.note(&w.Signalled, "a good server: %s", tale)
	case acted:
		w.Hit++
	case strings.Contains(tale, "nothing could be started again"): // so that nothing was stopped
	case d.acts && whole && uid == 0 && !foreign:
		w.note(&w.Missed, "a good server was not signalled: %s", tale)
	}
	w.judge(tale, about)
	for _, f := range w.held {
		f.Close()
	}
	w.held = nil
	return w.sweep()
}

// judge looks at what must be as it was. An innocent that was hit is replaced by none: it has shown enough.
func (w *world) judge(tale string, about map[int][]string) {
	for _, in := range slices.Clone(w.innocents) {
		if harm := in.harm(); harm != "" {
			w.note(&w.Signalled, "%s (pid %d) was signalled: %s; pidfiles: %q; %s", in.what, in.pid, harm, about[in.pid], tale)
			w.dismiss(in)
		}
	}
	for len(w.alarms) > 0 {
		w.note(&w.Signalled, "mgr's parent got %v: %s", <-w.alarms, tale)
	}
	after := w.snapshot()
	for path := range after {
		if _, ok := w.before[path]; !ok {
			w.note(&w.Changed, "%s was made: %s", path, tale)
		}
	}
	for path, was := range w.before {
		if is := after[path]; is != was {
			w.note(&w.Changed, "%s was %q, is %q: %s", path, was, is, tale)
		}
	}
	w.before = after
}

// snapshot is the tree outside of the run directory: what mgr has no business to change.
func (w *world) snapshot() map[string]string {
	seen := map[string]string{}
	for _, top := range []string{"outside", "conf", "bin"} {
		_ = filepath.WalkDir(w.path(top), func(path string, _ fs.DirEntry, err error) error {
			var st unix.Stat_t
			if err == nil {
				err = unix.Lstat(path, &st)
			}
			content := []byte(nil)
			if st.Mode&unix.S_IFMT == unix.S_IFREG {
				content, _ = os.ReadFile(path)
			}
			seen[path] = fmt.Sprint(err, st.Mode, st.Uid, st.Gid, st.Size, st.Mtim, string(content))
			return nil
		})
	}
	return seen
}
