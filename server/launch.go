package server

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// A Mode is how a server is launched.
type Mode struct {
	Once       bool // one pass: the program's once_args
	Foreground bool // console_args; its output goes where mgr's goes
	Stderr     bool // in the foreground its stdout goes where mgr's stderr goes, too
	NoWait     bool // nobody waits
	// ExactLimits lowers a hard limit that is higher than the profile's, as
	// swift-init does.
	ExactLimits bool

	test bool // the program's checkcommand, which has no pidfile
}

// Launch starts the instance through a stage and returns at once; Launches
// tells how it goes on. The caller holds the lock, and has made sure that the
// server does not run. On an error nothing was started.
func (i *Instance) Launch(mode Mode) (*Child, error) {
	path, argv, err := i.Command()
	if err != nil {
		return nil, err
	}
	return i.launch(mode, path, argv)
}

// MayLaunch says why Launch would start nothing, as far as it can be told without
// touching anything.
func (i *Instance) MayLaunch(mode Mode) error {
	_, _, err := i.Command()
	if err == nil {
		_, _, _, err = i.plan(mode)
	}
	if err == nil {
		err = i.Startable()
	}
	return err
}

// Test starts the program's checkcommand, as the server would be started but
// without a pidfile. The program has one.
func (i *Instance) Test() (*Child, error) {
	argv, err := i.fleet.words(i.Program, i.Program.CheckCommand, i.unit())
	if err != nil {
		return nil, err
	}
	c := i.fleet.look(argv[0])
	if c.err != nil {
		return nil, c.err
	}
	return i.launch(Mode{test: true}, c.path, argv)
}

func (i *Instance) launch(mode Mode, path string, argv []string) (*Child, error) {
	spec, more, env, err := i.plan(mode)
	if err != nil {
		return nil, err
	}
	spec.Path, argv = path, append(argv, more...)
	c := &Child{Instance: i, mode: mode, report: -1, output: -1, probing: -1}
	p := plumbing{lock: -1, dir: -1}
	if !mode.test {
		dir, name, err := i.dir(pidfile.MakeIt)
		if err != nil {
			return nil, err
		}
		spec.Dir = dir.Path()
		if !i.Program.Forking {
			spec.Pidfile = name
		}
		p.dir, p.lock = int(dir.File().Fd()), int(i.fleet.run.LockFile().Fd())
	}
	env = spec.takeProcs(env)
	notify, err := c.prepare()
	if err != nil {
		c.release()
		return nil, err
	}
	env = slices.Concat(notify, env) // first: of a long environment only the beginning is read later, see givenName
	c.Started = time.Now()
	if err = c.spawn(p, argv, append(env, procsEnv+"=1", StageEnv+"="+spec.pack())); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// plan is what launch gives to the stage: what it is to do, and its environment;
// and the words to be added to the command line.
func (i *Instance) plan(mode Mode) (spec *stage, more, env []string, err error) {
	if spec, more, err = i.stage(mode); err != nil {
		return nil, nil, nil, err
	}
	env, err = i.environment(spec)
	return spec, more, env, err
}

// plumbing are descriptors that a stage gets beside its streams; -1: none.
type plumbing struct{ dir, lock int }

// ownFile is mgr itself, proc_pid_exe(5).
const ownFile = "/proc/self/exe"

// spawn starts the stage. It shows the server's command line from its first
// moment, and has the descriptors that stage.go lists.
func (c *Child) spawn(p plumbing, argv, env []string) error {
	null, err := c.Instance.fleet.devNull()
	if err != nil {
		return err
	}
	var report [2]int
	if err := unix.Pipe2(report[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(report[1])
	c.report = report[0]
	out, err := c.openOutput()
	if err != nil {
		return err
	}
	streams := []uintptr{null, null, null, uintptr(report[1]), null, null}
	switch {
	case c.mode.Foreground:
		streams[1], streams[2] = uintptr(unix.Stdout), uintptr(unix.Stderr)
		if c.mode.Stderr {
			streams[1] = streams[2]
		}
	case out >= 0:
		defer unix.Close(out)
		streams[1], streams[2] = uintptr(out), uintptr(out)
	}
	for n, fd := range []int{p.dir, p.lock} {
		if fd >= 0 {
			streams[dirFD+n] = uintptr(fd)
		}
	}
	pidfd := -1
	pid, err := syscall.ForkExec(ownFile, argv, &syscall.ProcAttr{
		Env:   env,
		Files: streams,
		Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	})
	if err != nil {
		return fmt.Errorf("start %q: %w", ownFile, err)
	}
	c.Process = pidfile.FromPidfd(pid, pidfd)
	return nil
}

// stage says what the stage is to do, but for the command and the pidfile, and
// gives the words to be added to the command line.
func (i *Instance) stage(mode Mode) (*stage, []string, error) {
	p := i.Program
	var more []string
	if mode.Once {
		more = append(more, p.OnceArgs...)
	}
	if mode.Foreground {
		more = append(more, p.ConsoleArgs...)
	}
	more, err := i.fleet.words(p, append(more, p.Directory), i.unit())
	if err != nil {
		return nil, nil, err
	}
	n := len(more) - 1
	s := &stage{Umask: p.Umask, Chdir: more[n], Nice: p.Nice}
	if s.Creds, err = i.fleet.credentials(p.User, p.UserGroup); err != nil {
		return nil, nil, err
	}
	for _, l := range p.Limits {
		s.Limits = append(s.Limits, stageLimit{Name: l.Key, Resource: l.Resource, Value: l.Value, Exactly: mode.ExactLimits, AtLeast: l.AtLeast})
	}
	if !mode.Foreground && !mode.test {
		if s.Logs, err = i.logs(); err != nil {
			return nil, nil, err
		}
	}
	return s, more[:n], nil
}
