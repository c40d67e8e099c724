package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A world is where everything is measured: one directory, with the programs in bin and the daemons, by the names of
// Swift's servers, in path.
type world struct {
	dir     string
	path    string
	short   bool // what takes long and has no target is left out
	cleanup []func()
	trees   int
}

// programs are those of the built-in profile of which the tree "all" has instances.
var programs = map[string]string{
	"account-server": "account", "account-auditor": "account", "account-reaper": "account", "account-replicator": "account",
	"container-server": "container", "container-auditor": "container", "container-replicator": "container",
	"container-sharder": "container", "container-sync": "container", "container-updater": "container",
	"object-server": "object", "object-auditor": "object", "object-replicator": "object", "object-updater": "object",
}

func newWorld(dir string) (*world, error) {
	w := &world{dir: dir, path: filepath.Join(dir, "path")}
	if err := os.MkdirAll(w.path, 0o755); err != nil {
		return nil, err
	}
	daemon := filepath.Join(dir, "bin", "daemon")
	for name := range programs {
		if err := os.Symlink(daemon, filepath.Join(w.path, "swift-"+name)); err != nil {
			return nil, err
		}
	}
	if err := os.Symlink(daemon, filepath.Join(w.path, "swift-proxy-server")); err != nil {
		return nil, err
	}
	// Pidfiles are on a tmpfs, as those of a real machine are.
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return nil, err
	}
	_ = unix.Mount("bench", tmp, "tmpfs", 0, "") // gone with the mount namespace
	return w, nil
}

func (w *world) bin(name string) string { return filepath.Join(w.dir, "bin", name) }

func (w *world) later(f func()) { w.cleanup = append(w.cleanup, f) }

func (w *world) cleanUp() {
	for len(w.cleanup) > 0 {
		last := len(w.cleanup) - 1
		w.cleanup[last]()
		w.cleanup = w.cleanup[:last]
	}
}

// A call is one command to be measured.
type call struct {
	argv   []string
	env    []string
	nofile int    // its limit of open files; 0: the caller's
	stamp  string // the file where daemons leave the time of their end
}

// A sample is what was measured of one call.
type sample struct {
	wall    time.Duration
	rss     int64         // peak of resident memory, in bytes
	latency time.Duration // from the time in the stamp file to its end
}

// measure runs a call to its end. One that fails is no sample.
func (w *world) measure(c call) (sample, error) {
	args := []string{}
	if c.nofile != 0 {
		args = append(args, "-n", fmt.Sprint(c.nofile))
	}
	if c.stamp != "" {
		args = append(args, "-s", c.stamp)
	}
	cmd := exec.Command(w.bin("timer"), append(args, c.argv...)...)
	cmd.Env = append(w.env(), c.env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("timer: %w", err)
	}
	var s sample
	var status unix.WaitStatus
	if _, err := fmt.Sscan(string(out), &s.wall, &s.rss, &status, &s.latency); err != nil {
		return sample{}, fmt.Errorf("timer: %q: %w", out, err)
	}
	if status != 0 {
		return s, fmt.Errorf("exit status %d: %.200s", status.ExitStatus(), errs.String())
	}
	return s, nil
}

// env is the environment of everything that runs here.
func (w *world) env() []string {
	return []string{"PATH=" + w.path, "HOME=/", "LC_ALL=C", "BENCH_BIN=" + w.path}
}

// run runs a command that is not measured.
func (w *world) run(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(w.env(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%.80s: %w: %.200s", strings.Join(argv, " "), err, errs.String())
	}
	return nil
}

// spawn starts a command that runs on until the row is through.
func (w *world) spawn(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(w.env(), env...)
	if err := cmd.Start(); err != nil {
		return err
	}
	w.later(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return nil
}

// A tree is a number of instances: their confs, and where their pidfiles are.
type tree struct {
	w         *world
	n         int
	server    string // what mgr and swift-init call them all
	conf, run string
	list      string // floor's list of them
	instances []instance
	env       []string // of the daemons
}

type instance struct{ command, conf, pidfile string }

// manyServers is n instances of one program.
func (w *world) manyServers(n int) (*tree, error) {
	return w.tree("object-server", n, map[string]string{"object-server": "object"}, false)
}

// all is 57 instances of 15 programs, like a Swift on one machine with four disks.
func (w *world) all() (*tree, error) { return w.tree("all", 4, programs, true) }

// main is 13 instances of Swift's four main servers.
func (w *world) main() (*tree, error) {
	return w.tree("main", 4, map[string]string{"account-server": "account", "container-server": "container", "object-server": "object"}, true)
}

// tree makes confs for n instances of each program, and one of the proxy if asked to.
func (w *world) tree(server string, confs int, programs map[string]string, proxy bool) (*tree, error) {
	w.trees++
	base := filepath.Join(w.dir, "tmp", fmt.Sprint("tree", w.trees))
	t := &tree{w: w, server: server, conf: base + "/conf", run: base + "/run", list: base + "/list"}
	w.later(func() { t.destroy(base) })
	var list strings.Builder
	add := func(program, conf, pidfile string) error {
		i := instance{"swift-" + program, t.conf + "/" + conf, t.run + "/" + pidfile}
		t.instances = append(t.instances, i)
		fmt.Fprintln(&list, i.command, i.conf, i.pidfile)
		return errors.Join(os.MkdirAll(filepath.Dir(i.conf), 0o755), os.MkdirAll(filepath.Dir(i.pidfile), 0o755), os.WriteFile(i.conf, nil, 0o644))
	}
	for program, kind := range programs {
		for n := range confs {
			if err := add(program, fmt.Sprintf("%s-server/%d.conf", kind, n+1), fmt.Sprintf("%s/%d.pid", program, n+1)); err != nil {
				return nil, err
			}
		}
	}
	if proxy {
		if err := add("proxy-server", "proxy-server.conf", "proxy-server.pid"); err != nil {
			return nil, err
		}
	}
	t.n = len(t.instances)
	return t, os.WriteFile(t.list, []byte(list.String()), 0o644)
}

// destroy ends what runs and removes the tree.
func (t *tree) destroy(base string) {
	_ = t.w.run(nil, t.w.bin("floor"), "stop", t.list)
	_ = os.RemoveAll(base)
}

func (t *tree) floor(words ...string) call {
	return call{argv: append([]string{t.w.bin("floor"), words[0], t.list}, words[1:]...), env: t.env}
}

func (t *tree) mgr(words ...string) call {
	return call{
		argv: append([]string{t.w.bin("mgr"), t.server}, words...),
		env:  append([]string{"MGR_CONF_DIR=" + t.conf, "MGR_RUN_DIR=" + t.run}, t.env...),
	}
}

// start and stop bring about what a turn begins with. They do nothing where it is so already.
func (t *tree) start() error {
	if t.w.run(nil, t.w.bin("floor"), "status", t.list) == nil {
		return nil
	}
	if err := t.stop(); err != nil {
		return err
	}
	return t.w.run(t.env, t.w.bin("floor"), "start", t.list)
}

func (t *tree) stop() error {
	_ = t.w.run(nil, t.w.bin("floor"), "stop", t.list)
	for _, i := range t.instances { // of a contender that failed
		_ = os.Remove(i.pidfile)
	}
	return nil
}

func (t *tree) running() error {
	return t.w.run(nil, t.w.bin("floor"), "status", t.list)
}

// runningSoon is running where the daemons may be in the middle of an execve(2), or have not come to it yet, which
// cannot be told from being through.
func (t *tree) runningSoon() error {
	time.Sleep(50 * time.Millisecond)
	return t.w.await(func() bool { return t.running() == nil })
}

func (t *tree) stopped() error {
	for _, i := range t.instances {
		if _, err := os.Lstat(i.pidfile); err == nil {
			return fmt.Errorf("%s is left", i.pidfile)
		}
	}
	return nil
}
