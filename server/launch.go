package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
)

// A Mode is how a server is launched.
type Mode struct {
	Once       bool // one pass: the program's once_args
	Foreground bool // console_args; its output goes where mgr's goes
	NoWait     bool // nobody waits: its output goes nowhere
	// ExactLimits lowers a hard limit that is higher than the profile's, as
	// swift-init does.
	ExactLimits bool
}

// Launch starts the instance through a stage and returns at once; Launches
// tells how it goes on. The caller holds the lock, and has made sure that the
// server does not run. On an error nothing was started.
func (i *Instance) Launch(mode Mode) (*Child, error) {
	spec, argv, err := i.stage(mode)
	if err != nil {
		return nil, err
	}
	env, err := i.environment(spec)
	if err != nil {
		return nil, err
	}
	dir, name, err := i.dir(true)
	if err != nil {
		return nil, err
	}
	spec.Pidfile, spec.Dir = raw(name), raw(dir.Path())
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	c := &Child{Instance: i, mode: mode, report: -1, output: -1, reached: -1}
	notify, err := c.watch()
	if err != nil {
		return nil, err
	}
	env = append(env, notify...)
	err = c.spawn(dir, argv, append(env, StageEnv+"="+string(text)))
	return c, err
}

// spawn starts the stage. It shows the server's command line from its first
// moment, and has the descriptors that stage.go lists.
func (c *Child) spawn(dir *pidfile.Dir, argv, env []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	var report, output [2]int
	if err := unix.Pipe2(report[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(report[1])
	c.report = report[0]
	out, errout := null.Fd(), null.Fd()
	switch {
	case c.mode.Foreground:
		out, errout = uintptr(unix.Stdout), uintptr(unix.Stderr)
	case c.listens():
		if err := unix.Pipe2(output[:], unix.O_CLOEXEC); err != nil {
			unix.Close(report[0])
			return fmt.Errorf("pipe: %w", err)
		}
		defer unix.Close(output[1])
		c.output = output[0]
		out, errout = uintptr(output[1]), uintptr(output[1])
	}
	pidfd := -1
	pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{null.Fd(), out, errout, uintptr(report[1]), dir.File().Fd(), c.Instance.fleet.run.LockFile().Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	})
	if err != nil {
		c.closePipes()
		return fmt.Errorf("start: %w", err)
	}
	c.Process = pidfile.FromPidfd(pid, pidfd)
	return nil
}

// listens says whether somebody reads the server's output.
func (c *Child) listens() bool {
	if c.mode.NoWait {
		return false
	}
	return c.mode.Once || c.Instance.Program.Ready.Kind() == aliases.ReadyStdoutClose
}

// stage says what the stage is to do, but for the pidfile, and the words of
// the server's command line.
func (i *Instance) stage(mode Mode) (*stage, []string, error) {
	path, argv, err := i.Command()
	if err != nil {
		return nil, nil, err
	}
	p := i.Program
	var more []string
	if mode.Once {
		more = append(more, p.OnceArgs...)
	}
	if mode.Foreground {
		more = append(more, p.ConsoleArgs...)
	}
	more, err = i.fleet.words(p, append(more, p.Directory, p.User, p.Group), i.Conf, i.Pidfile)
	if err != nil {
		return nil, nil, err
	}
	n := len(more) - 3
	s := &stage{Path: raw(path), Umask: p.Umask, Chdir: raw(more[n]), Nice: p.Nice}
	if s.Creds, err = lookupCredentials(more[n+1], more[n+2]); err != nil {
		return nil, nil, err
	}
	for _, l := range p.Limits {
		s.Limits = append(s.Limits, stageLimit{Name: l.Key, Resource: l.Resource, Value: l.Value, Exactly: mode.ExactLimits})
	}
	return s, append(argv, more[:n]...), nil
}

// lookupCredentials finds the ids of a user, and of a group if it is not the
// user's own; nil if neither is named.
func lookupCredentials(name, group string) (*credentials, error) {
	if name == "" && group == "" {
		return nil, nil
	}
	c := &credentials{UID: os.Getuid(), GID: os.Getgid()}
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return nil, err
		}
		groups, err := u.GroupIds()
		if err != nil {
			return nil, err
		}
		ids := make([]int, 0, len(groups)+2)
		for _, s := range append([]string{u.Uid, u.Gid}, groups...) {
			id, err := strconv.Atoi(s)
			if err != nil {
				return nil, fmt.Errorf("user %q: id %q: %w", name, s, err)
			}
			ids = append(ids, id)
		}
		c.UID, c.GID, c.Groups = ids[0], ids[1], ids[2:]
	}
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, err
		}
		if c.GID, err = strconv.Atoi(g.Gid); err != nil {
			return nil, fmt.Errorf("group %q: id %q: %w", group, g.Gid, err)
		}
	}
	if c.UID == os.Getuid() && c.GID == os.Getgid() && os.Getuid() != 0 {
		return nil, nil // we are that user, and could not set groups anyway
	}
	return c, nil
}

// session are the variables that belong to the caller's session and not to a
// server: a name, or the beginning of one that ends in a star.
var session = []string{
	"SSH_*", "SUDO_*", "DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_*", "XDG_RUNTIME_DIR",
	"TMUX*", "STY", "SHLVL", "OLDPWD", "_", "NOTIFY_SOCKET", "LISTEN_*",
	"MGR_CONF_DIR", "MGR_RUN_DIR", "MGR_PROFILE", StageEnv,
}

func ofSession(name string) bool {
	return slices.ContainsFunc(session, func(pattern string) bool {
		prefix, glob := strings.CutSuffix(pattern, "*")
		return name == pattern || glob && strings.HasPrefix(name, prefix)
	})
}

// environment is the caller's, less what belongs to the caller's session, plus
// the profile's.
func (i *Instance) environment(s *stage) ([]string, error) {
	var env []string
	have := map[string]int{}
	for _, pair := range i.fleet.Env {
		name, _, ok := strings.Cut(pair, "=")
		if !ok || ofSession(name) || name == "PWD" {
			continue
		}
		have[name] = len(env)
		env = append(env, pair)
	}
	env = append(env, "PWD="+string(s.Chdir))
	for _, v := range i.Program.Environment {
		at, ok := have[v.Name]
		if ok && v.Default {
			continue
		}
		value, err := i.fleet.words(i.Program, []string{v.Value}, i.Conf, i.Pidfile)
		if err != nil {
			return nil, err
		}
		pair := v.Name + "=" + value[0]
		if ok {
			env[at] = pair
			continue
		}
		have[v.Name] = len(env)
		env = append(env, pair)
	}
	return env, nil
}
