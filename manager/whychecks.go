package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mgr/aliases"
	"mgr/server"
)

// This file has the checks of why that are about what a server needs; those about
// processes are in whyprocess.go.

// profile says whose description of the server it is.
func (e *exam) profile() {
	e.add(verdictOK, "profile", "%s: %v", e.m.Fleet.Profile.File, e.i.Program.Name)
}

// conf looks whether the conf is there and can be read.
func (e *exam) conf() {
	i := e.i
	if i.Conf == "" {
		return
	}
	err := i.ConfReadable()
	switch {
	case err == nil:
		e.add(verdictOK, "conf", "%s can be read", i.Conf)
	case server.CannotTell(err), e.mine(err):
		e.add(verdictUnknown, "conf", "%s: %v", i.Conf, err)
	case errors.Is(err, fs.ErrNotExist):
		e.fail("conf", "ls -l "+shellWord(filepath.Dir(i.Conf)), "%s is not there", i.Conf).cause = "its conf is not there"
	default:
		e.fail("conf", "namei -l "+shellWord(i.Conf), "%s: %v", i.Conf, err).cause = fmt.Sprintf("its conf cannot be read: %v", err)
	}
}

// mine says whether it is only the caller who may not: the server runs, or another
// user would start it.
func (e *exam) mine(err error) bool {
	return errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 && (e.process != nil || e.i.OtherUser())
}

// syntax looks whether the conf is what its format says.
func (e *exam) syntax() {
	if e.i.Program.ConfFormat != aliases.FormatINI || !e.is("conf", verdictOK) && !e.is("conf", verdictUnknown) {
		return
	}
	if _, err := e.i.ConfSettings(); errors.Is(err, fs.ErrPermission) {
		e.add(verdictUnknown, "syntax", "%v", err)
	} else if err != nil {
		e.fail("syntax", "${EDITOR:-vi} "+shellWord(e.i.Conf), "%v", err).cause = fmt.Sprintf("its conf is broken: %v", err)
	} else {
		e.add(verdictOK, "syntax", "the conf is an INI file")
	}
}

// keyChecks are the names of the checks that the keys of a profile belong to.
var keyChecks = map[string]string{
	"user": "user", "drops_to": "user", "group": "user", "command": "command", "checkcommand": "test", "directory": "directory", "pidfile": "run dir",
	"stdout_logfile": "logs", "stderr_logfile": "logs", "": "profile",
}

// keys looks for what of the profile keeps the server from being started.
func (e *exam) keys() {
	i, p := e.i, e.i.Program
	e.obstacles = i.Obstacles()
	for _, o := range e.obstacles {
		name := keyChecks[o.Key]
		if i.OtherUser() && (name == "logs" || name == "run dir") {
			e.add(verdictUnknown, name, "%s: only root can tell", o.Key)
			continue
		}
		at := p.Complain(o.Key, o.Err)
		next := fmt.Sprintf("sed -n %dp %s", at.Line, shellWord(at.File))
		if at.Line == 0 || e.m.Fleet.Profile.File == aliases.BuiltinName {
			next = "mgr list " + wordFor(i)
		}
		e.fail(name, next, "%v", at).cause = o.Err.Error()
	}
}

// user says as whom the server runs.
func (e *exam) user() {
	i := e.i
	user := i.UserText()
	switch {
	case e.is("user", verdictFailed):
	case i.OtherUser() && user == "root":
		e.add(verdictWarning, "user", "it runs as root, who alone can start it")
	case i.OtherUser():
		e.add(verdictWarning, "user", "it runs as %s: only root, or %s, can start it", user, user)
	case user != "":
		e.add(verdictOK, "user", "it runs as %s", user)
	}
}

// command looks whether the kernel would execute the command.
func (e *exam) command() {
	path, argv, err := e.i.Command()
	if err != nil {
		if !e.is("command", verdictFailed) {
			e.fail("command", "mgr list "+wordFor(e.i), "%v", err)
		}
		return
	}
	switch err := e.i.Executable(path); {
	case server.CannotTell(err):
		e.add(verdictUnknown, "command", "%s: %v", path, err)
	case err != nil:
		e.fail("command", "head -n 1 "+shellWord(path), "%s: %v", path, err).cause = fmt.Sprintf("its command %s cannot be executed: %v", path, err)
	default:
		e.add(verdictOK, "command", "%s", strings.Join(append([]string{path}, argv[1:]...), " "))
	}
}

// places looks at the directories that a start writes to.
func (e *exam) places() {
	dir := e.m.Fleet.RunDir
	if filepath.IsAbs(e.i.Program.Pidfile) {
		dir = filepath.Dir(e.i.Pidfile)
	}
	err := server.DirWritable(dir)
	switch {
	case e.is("run dir", verdictFailed):
	case e.mine(err):
		e.add(verdictUnknown, "run dir", "%s: %v for you", dir, err)
	case err != nil:
		e.fail("run dir", "namei -l "+shellWord(dir), "%s: %v", dir, err).cause = fmt.Sprintf("its pidfile cannot be written: run directory %s: %v", dir, err)
	default:
		e.add(verdictOK, "run dir", "%s can be written", dir)
	}
	if dirs := e.i.LogDirs(); len(dirs) > 0 && !e.is("logs", verdictFailed) && !e.is("logs", verdictUnknown) && len(e.obstacles) == 0 {
		e.add(verdictOK, "logs", "%s", strings.Join(dirs, ", "))
	}
}

// little is less than a start can do with: a pidfile and a line of a log take a
// block each.
const little = 16 << 10

// disk looks at the file systems that a start writes to.
func (e *exam) disk() {
	seen := map[server.Space]bool{}
	for _, dir := range append([]string{filepath.Dir(e.i.Pidfile)}, e.i.LogDirs()...) {
		s, err := server.SpaceAt(dir)
		if err != nil {
			e.add(verdictUnknown, "disk", "%v", err)
			continue
		}
		where := s.Path
		if s.Path = ""; seen[s] {
			continue // the same file system, all but surely
		}
		seen[s] = true
		switch {
		case s.ReadOnly:
			e.fail("disk", "findmnt -T "+shellWord(where), "%s is on a file system that is mounted read-only", where)
		case s.Free < little:
			e.fail("disk", "df -h "+shellWord(where), "the file system of %s is full: %d bytes of %s are left", where, s.Free, size(s.Size))
		case s.Counted && s.Inodes == 0:
			e.fail("disk", "df -i "+shellWord(where), "the file system of %s is full: no inodes are left", where)
		default:
			e.add(verdictOK, "disk", "%s has %s of %s left", where, size(s.Free), size(s.Size))
		}
	}
}

// test runs the program's own test of its conf.
func (e *exam) test(ctx context.Context) {
	i := e.i
	switch {
	case len(i.Program.CheckCommand) == 0, e.is("test", verdictFailed):
		return
	case e.m.Options.DryRun:
		e.add(verdictSkipped, "test", "the checkcommand is not run: this is a dry run")
		return
	case i.OtherUser():
		e.add(verdictUnknown, "test", "only root can run the checkcommand as %s", i.UserText())
		return
	case e.is("conf", verdictFailed), e.is("user", verdictFailed), e.is("command", verdictFailed), e.is("directory", verdictFailed):
		e.add(verdictSkipped, "test", "the checkcommand is not run: it could not be right")
		return
	}
	e.m.Console.Flush()
	before := malformed([]*server.Instance{i})
	defer e.m.tidy(ctx, []*server.Instance{i}, before)
	e.judgeTest(tryConf(ctx, i))
}

// judgeTest says what came of a checkcommand.
func (e *exam) judgeTest(c *server.Child, err error) {
	why := ""
	switch {
	case err != nil:
		why = err.Error()
	case c.Failure != "":
		why = c.Failure
	case !c.Exited:
		why = "it still ran after " + seconds(e.i.Program.ReadyWait) + " s"
	case c.Status.Exited() && c.Status.ExitStatus() == 0:
		e.add(verdictOK, "test", "the checkcommand is content")
		return
	case c.Untested():
		e.add(verdictSkipped, "test", "this version of the program cannot test its conf")
		return
	default:
		why = c.Died()
	}
	if c != nil {
		if lines := strings.Split(strings.TrimSpace(string(c.Output)), "\n"); lines[len(lines)-1] != "" {
			why += ": " + lines[len(lines)-1]
		}
	}
	e.fail("test", "mgr check "+wordFor(e.i), "the checkcommand fails: %s", why).cause = "its conf is refused by its checkcommand: " + why
}

// tryConf runs the checkcommand of i, and gives what became of it.
func tryConf(ctx context.Context, i *server.Instance) (*server.Child, error) {
	launches, err := server.NewLaunches(ctx)
	if err != nil {
		return nil, err
	}
	defer launches.Close()
	c, err := launchTest(launches, i)
	if err != nil {
		return nil, err
	}
	_, err = awaitTests(launches, func(*server.Child) {})
	c.Kill() // if it has not ended
	if err == nil && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	return c, err
}

// limits compares the profile's limits with those that the caller could give.
func (e *exam) limits() {
	short := e.i.Shortages()
	for _, w := range short {
		e.add(verdictWarning, "limits", "%s: %d is wanted, the hard limit is %d: %s", w.Key, w.Want, w.Max, w.Err)
	}
	if len(short) == 0 && len(e.i.Program.Limits) > 0 {
		e.add(verdictOK, "limits", "none is above the hard limit")
	}
}

// shellWord quotes a path as a shell's word, where it has to be.
func shellWord(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+@:,%=", r) && (r < '0' || r > 'z' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// at prints when something was, with how long ago.
func at(when time.Time) string {
	return fmt.Sprintf("%s, %s ago", when.Format(time.DateTime), time.Since(when).Round(time.Second))
}

// describe is what a process is, in a few words.
func (m *Manager) describe(pid int) string {
	return fmt.Sprintf("pid %d %s", pid, m.Fleet.Reader.Who(pid))
}
