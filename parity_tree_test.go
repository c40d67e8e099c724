package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long anything may take that is expected to happen.
const patience = 30 * time.Second

// swiftPrograms are installed in every tree.
var swiftPrograms = strings.Fields(`account-auditor account-reaper account-replicator account-server container-auditor
	container-reconciler container-replicator container-server container-sharder container-sync container-updater
	object-auditor object-expirer object-reconstructor object-replicator object-server object-updater proxy-server`)

// side is one of the two programs that are compared.
type side struct {
	name string
	argv []string // what the words of a run step are appended to
	link string   // what "as" links a name to; "": that changes nothing
}

// tree is the world of one side in one scenario: ROOT/conf, ROOT/run, ROOT/log and ROOT/bin, and every process that is
// started in it. It is used by one goroutine.
type tree struct {
	side
	root      string
	env       []string
	strangers map[string]*exec.Cmd // by the pidfile that names them
}

// verbs are the steps of a scenario, but for run and end, which are observed.
var verbs = map[string]func(tr *tree, rest string) error{
	"run": nil, "end": nil,
	"conf":      (*tree).writeConf,
	"file":      (*tree).writeFile,
	"remove":    func(tr *tree, rest string) error { return os.RemoveAll(tr.path(rest)) },
	"uninstall": func(tr *tree, rest string) error { return os.Remove(tr.path("bin/swift-" + rest)) },
	"confdir":   func(tr *tree, rest string) error { return tr.setEnv("CONF_DIR", rest) },
	"rundir":    func(tr *tree, rest string) error { return tr.setEnv("RUN_DIR", rest) },
	"lineend":   (*tree).appendLineEnd,
	"env":       func(tr *tree, rest string) error { tr.env = append(tr.env, tr.expand(rest)); return nil },
	"as":        (*tree).callAs,
	"dead":      (*tree).writeDeadPidfile,
	"stranger":  (*tree).writeStrangerPidfile,
	"crash":     (*tree).crash,
	"gone":      (*tree).awaitExit,
	"await":     (*tree).await,
}

// perform runs a scenario on one side and leaves nothing behind.
func perform(s scenario, sd side, fakeserver string) (o outcome) {
	tr, err := newTree(sd, fakeserver)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { o.err = errors.Join(o.err, tr.destroy()) }()
	for _, st := range s.steps {
		seen := observation{step: st}
		switch st.verb {
		case "run":
			err = tr.run(&seen)
			o.seen = append(o.seen, seen)
		case "end":
			seen.lines, err = tr.endState()
			o.seen = append(o.seen, seen)
		default:
			err = verbs[st.verb](tr, st.rest)
		}
		if err != nil {
			return outcome{err: fmt.Errorf("%s: %w", st, err)}
		}
	}
	return o
}

// newTree makes an empty tree with every program installed. Its path must not say anything to swift-init, which looks
// for servers' names and glob characters in the whole of it.
func newTree(sd side, fakeserver string) (*tree, error) {
	root, err := os.MkdirTemp("", "parity")
	if err != nil {
		return nil, err
	}
	tr := &tree{side: sd, root: root, strangers: map[string]*exec.Cmd{}}
	tr.env = []string{"PATH=" + tr.path("bin"), "HOME=/", "LANG=C.UTF-8", tr.mark(), "PYTHONHASHSEED=0",
		"MGR_CONF_DIR=" + tr.path("conf"), "MGR_RUN_DIR=" + tr.path("run"),
		"SWIFT_ORACLE_CONF_DIR=" + tr.path("conf"), "SWIFT_ORACLE_RUN_DIR=" + tr.path("run")}
	for _, dir := range []string{"conf", "log", "bin"} {
		if err := os.Mkdir(tr.path(dir), 0o755); err != nil {
			return nil, err
		}
	}
	for _, program := range swiftPrograms {
		if err := os.Symlink(fakeserver, tr.path("bin/swift-"+program)); err != nil {
			return nil, err
		}
	}
	return tr, nil
}

// mark is the environment variable by which a process is known to belong to the tree.
func (tr *tree) mark() string { return "FAKE_RECORD=" + tr.path("log") }

func (tr *tree) path(relative string) string { return filepath.Join(tr.root, relative) }

// expand puts the tree's root into a text of the scenario.
func (tr *tree) expand(text string) string { return strings.ReplaceAll(text, "ROOT", tr.root) }

// setEnv tells both sides, so that neither knows which one it is.
func (tr *tree) setEnv(name, value string) error {
	tr.env = append(tr.env, "MGR_"+name+"="+tr.expand(value), "SWIFT_ORACLE_"+name+"="+tr.expand(value))
	return nil
}

// run runs the manager and observes it.
func (tr *tree) run(o *observation) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	argv := append(tr.argv[1:len(tr.argv):len(tr.argv)], strings.Fields(tr.expand(o.step.rest))...)
	cmd := exec.CommandContext(ctx, tr.argv[0], argv...)
	cmd.Dir, cmd.Env = tr.root, tr.env
	// Files, not pipes: a server that keeps its stdout would hold up the reader of a pipe.
	stdout, stderr := tr.path("log/manager.stdout"), tr.path("log/manager.stderr")
	for name, to := range map[string]func(*os.File){stdout: func(f *os.File) { cmd.Stdout = f }, stderr: func(f *os.File) { cmd.Stderr = f }} {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer f.Close()
		to(f)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if o.step.interrupt != "" {
		if err := tr.await(o.step.interrupt); err != nil {
			return err
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return err
		}
	}
	cmd.Wait()
	o.exit = exitText(ctx, cmd.ProcessState)
	out, err := os.ReadFile(stdout)
	if err != nil {
		return err
	}
	diagnostics, err := os.ReadFile(stderr)
	o.stderr = string(diagnostics)
	o.lines = tr.normalise(string(out), o.stderr)
	return err
}

func exitText(ctx context.Context, state *os.ProcessState) string {
	switch {
	case ctx.Err() != nil:
		return "never"
	case state.Exited():
		return strconv.Itoa(state.ExitCode())
	default:
		return state.String()
	}
}

// callAs makes mgr go by another name from here on, without --compat.
func (tr *tree) callAs(name string) error {
	if tr.link == "" {
		return nil
	}
	tr.argv = []string{tr.path("bin/" + name)}
	return os.Symlink(tr.link, tr.argv[0])
}

// writeConf makes conf PATH [KEY=VALUE; [SECTION]; ...]: a conf file, or, for a path that ends in a slash, a conf
// directory with one file. Keys are the fake server's until another section begins.
func (tr *tree) writeConf(rest string) error {
	path, settings, _ := strings.Cut(rest, " ")
	if strings.HasSuffix(path, "/") {
		path += "settings.conf"
	}
	return tr.create("conf/"+path, "[fake]\n"+strings.ReplaceAll(tr.expand(settings), "; ", "\n")+"\n")
}

// writeFile makes file PATH [CONTENT], where CONTENT is written as in a Go string.
func (tr *tree) writeFile(rest string) error {
	path, content, _ := strings.Cut(rest, " ")
	content, err := strconv.Unquote(`"` + tr.expand(content) + `"`)
	if err != nil {
		return err
	}
	return tr.create(path, content)
}

func (tr *tree) create(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(tr.path(path)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(tr.path(path), []byte(content), 0o644)
}

// appendLineEnd makes a pidfile look as other tools write it.
func (tr *tree) appendLineEnd(pidfile string) error {
	f, err := os.OpenFile(tr.path("run/"+pidfile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("\n")
	return err
}

// writeDeadPidfile makes a pidfile that names a process which has ended.
func (tr *tree) writeDeadPidfile(pidfile string) error {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		return err
	}
	return tr.create("run/"+pidfile, strconv.Itoa(cmd.Process.Pid))
}

// writeStrangerPidfile makes a pidfile that names a process which is no server: the number was recycled.
func (tr *tree) writeStrangerPidfile(pidfile string) error {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		return err
	}
	tr.strangers[pidfile] = cmd
	return tr.create("run/"+pidfile, strconv.Itoa(cmd.Process.Pid))
}
