package server

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
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
	c := &Child{Instance: i, mode: mode, report: -1, output: -1, reached: -1}
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
		c.closePipes()
		return nil, err
	}
	env = append(env, notify...)
	c.Started = time.Now()
	if err = c.spawn(p, argv, append(env, procsEnv+"=1", StageEnv+"="+spec.pack())); err != nil {
		c.closePipes()
		return nil, err
	}
	return c, nil
}

// takeProcs takes what the server is to have in procsEnv out of its environment.
func (s *stage) takeProcs(env []string) []string {
	return slices.DeleteFunc(env, func(pair string) bool {
		is := strings.HasPrefix(pair, procsEnv+"=")
		if is {
			s.Procs = pair
		}
		return is
	})
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
	pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{
		Env:   env,
		Files: streams,
		Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	})
	if err != nil {
		return fmt.Errorf("start: %w", err)
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

// credentials is lookupCredentials, asked once for each pair of names.
func (f *Fleet) credentials(name, group string) (*credentials, error) {
	key := [2]string{name, group}
	if c, ok := f.creds[key]; ok {
		return c, nil
	}
	c, err := lookupCredentials(name, group)
	if err != nil {
		return nil, err
	}
	if f.creds == nil {
		f.creds = map[[2]string]*credentials{}
	}
	f.creds[key] = c
	return c, nil
}

// lookupCredentials finds the ids of a user, and of a group if it is not the
// user's own; nil if neither is named.
func lookupCredentials(name, group string) (*credentials, error) {
	if name == "" && group == "" {
		return nil, nil
	}
	c := &credentials{UID: os.Getuid(), GID: os.Getgid()}
	if name != "" {
		u, err := lookupUser(name)
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
		var err error
		if c.GID, err = lookupGroup(group); err != nil {
			return nil, err
		}
	}
	if c.UID == os.Getuid() && c.GID == os.Getgid() && os.Getuid() != 0 {
		return nil, nil // we are that user, and could not set groups anyway
	}
	return c, nil
}

// lookupUser finds a user by name, or by number.
func lookupUser(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if _, bad := strconv.ParseUint(name, 10, 31); err != nil && bad == nil {
		u, err = user.LookupId(name)
	}
	if errors.As(err, new(user.UnknownUserError)) || errors.As(err, new(user.UnknownUserIdError)) {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	return u, err
}

// lookupGroup finds a group by name, or takes its number.
func lookupGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		if n, bad := strconv.ParseUint(name, 10, 31); bad == nil {
			return int(n), nil
		}
		if errors.As(err, new(user.UnknownGroupError)) {
			err = fmt.Errorf("there is no group %q", name)
		}
		return 0, err
	}
	n, err := strconv.Atoi(g.Gid)
	if err != nil {
		return 0, fmt.Errorf("group %q: id %q: %w", name, g.Gid, err)
	}
	return n, nil
}

// session are the variables that belong to the caller's session and not to a
// server: a name, or the beginning of one that ends in a star.
var session = []string{
	"SSH_*", "SUDO_*", "DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_*", "XDG_RUNTIME_DIR",
	"TMUX*", "STY", "SHLVL", "OLDPWD", "_", "NOTIFY_SOCKET", "LISTEN_*",
	"MGR_CONF_DIR", "MGR_RUN_DIR", "MGR_PROFILE", StageEnv,
	"MGR_ENABLED", "MGR_SERVER_NAME", "MGR_GROUP_NAME",
}

func ofSession(name string) bool {
	return slices.ContainsFunc(session, func(pattern string) bool {
		prefix, glob := strings.CutSuffix(pattern, "*")
		return name == pattern || glob && strings.HasPrefix(name, prefix)
	})
}

// environment is the caller's, less what belongs to the caller's session, plus
// what tells a program who it is, plus the profile's: later ones go before
// earlier ones.
func (i *Instance) environment(s *stage) ([]string, error) {
	e := environ{at: map[string]int{}}
	for _, pair := range i.fleet.Env {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok || ofSession(name):
		case name == "PWD": // the caller's would be wrong
			e.set(name, s.Chdir)
		default:
			e.set(name, value)
		}
	}
	e.set("MGR_ENABLED", "1")
	e.set("MGR_SERVER_NAME", i.Process)
	e.set("MGR_GROUP_NAME", i.Program.Group)
	for _, v := range i.Program.Environment {
		if v.Default && e.has(v.Name) {
			continue
		}
		value, err := i.fleet.words(i.Program, []string{v.Value}, i.unit())
		if err != nil {
			return nil, err
		}
		e.set(v.Name, value[0])
	}
	return e.pairs, nil
}

// An environ is an environment that is being made.
type environ struct {
	pairs []string
	at    map[string]int
}

func (e *environ) has(name string) bool { _, ok := e.at[name]; return ok }

func (e *environ) set(name, value string) {
	pair := name + "=" + value
	if n, ok := e.at[name]; ok {
		e.pairs[n] = pair
		return
	}
	e.at[name] = len(e.pairs)
	e.pairs = append(e.pairs, pair)
}
