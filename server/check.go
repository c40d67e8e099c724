package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"mgr/aliases"
)

// Preflight says what of the profile keeps the instance from being started,
// whatever its conf says: each with the place in the profile. Nothing is
// touched.
func (i *Instance) Preflight() aliases.Errors {
	var all aliases.Errors
	for _, o := range i.Obstacles() {
		all = append(all, i.Program.Complain(o.Key, o.Err))
	}
	return all
}

// An Obstacle is a key of the profile that keeps the instance from being started,
// "" being the program as a whole, and why.
type Obstacle struct {
	Key string
	Err error
}

// Obstacles are what Preflight tells, key by key. If the command or the user is not
// there, the rest is not looked at.
func (i *Instance) Obstacles() []Obstacle {
	p := i.Program
	var all []Obstacle
	fail := func(key string, err error) { all = append(all, Obstacle{key, err}) }
	if _, _, err := i.Command(); err != nil {
		fail("command", err)
	}
	if err := i.checkTest(); err != nil {
		fail("checkcommand", err)
	}
	if _, err := i.fleet.credentials(p.User, ""); err != nil {
		fail("user", err)
	}
	if _, err := i.fleet.credentials(p.DropsTo, ""); err != nil {
		fail("drops_to", err)
	}
	if _, err := i.fleet.credentials("", p.UserGroup); err != nil {
		fail("group", err)
	}
	if len(all) > 0 {
		return all
	}
	s, _, err := i.stage(Mode{})
	var le *logError
	if errors.As(err, &le) {
		return append(all, Obstacle{le.key, le.err})
	}
	if err != nil {
		return append(all, Obstacle{"", err})
	}
	if err := checkChdir(s.Chdir); err != nil {
		fail("directory", err)
	}
	if err := i.checkPidfile(s); err != nil {
		fail("pidfile", err)
	}
	for n, l := range s.Logs {
		if n > 0 && l.Path == s.Logs[0].Path {
			continue // one file for both, as below log_dir
		}
		if err := s.checkLog(l); err != nil {
			fail([]string{1: "stdout_logfile", 2: "stderr_logfile"}[l.FD], err)
		}
	}
	return all
}

// checkTest says why the checkcommand, if there is one, cannot be found.
func (i *Instance) checkTest() error {
	if len(i.Program.CheckCommand) == 0 {
		return nil
	}
	words, err := i.fleet.words(i.Program, i.Program.CheckCommand[:1], i.unit())
	if err != nil {
		return err
	}
	return i.fleet.look(words[0]).err
}

func checkChdir(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "chdir", Path: path, Err: unix.ENOTDIR}
	}
	return nil
}

// checkPidfile says why the server could not write its own pidfile: nobody would
// find it then. Where its directory is yet to be made, see makeOwnDir.
func (i *Instance) checkPidfile(s *stage) error {
	if !i.Program.Forking || s.Creds == nil {
		return nil
	}
	dir := filepath.Dir(i.Pidfile)
	path, err := nearest(dir)
	if err != nil {
		return err
	}
	if path != dir && os.Geteuid() == 0 && trusted(filepath.Dir(dir)) == nil {
		return nil
	}
	if err := s.access(path, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("uid %d cannot write %q: %w", s.Creds.UID, i.Pidfile, &fs.PathError{Op: "access", Path: path, Err: err})
	}
	return nil
}

// Check says what keeps the instance from being started, as far as it can be
// told without starting it: beside what Preflight finds, its conf.
func (i *Instance) Check() error {
	if i.Conf != "" {
		switch _, err := openable(i.Conf); {
		case errors.Is(err, errNotRegular):
			return fmt.Errorf("%q is %w", i.Conf, err)
		case err != nil:
			return err
		}
	}
	spec, _, err := i.stage(Mode{})
	if err != nil {
		return err
	}
	if _, err = i.environment(spec); err != nil {
		return err
	}
	return i.interpreted()
}

// checkLog says why the stage could not open a log file.
func (s *stage) checkLog(l stageLog) error {
	if len(l.Path) == 0 {
		return nil
	}
	path, mode := l.Path, uint32(unix.W_OK)
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); {
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return fmt.Errorf("%q is a symbolic link", path)
	case err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG && st.Mode&unix.S_IFMT != unix.S_IFCHR:
		return fmt.Errorf("%q is no file to write a log to", path)
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1:
		return fmt.Errorf("%q has %d links", path, st.Nlink)
	case err != nil:
		if path, err = nearest(filepath.Dir(path)); err != nil {
			return err
		}
		mode |= unix.X_OK
	}
	err := s.access(path, mode)
	if os.Geteuid() == 0 && (s.Creds == nil || errors.Is(err, unix.EACCES)) { // root will, if he may
		why := rootMayWrite(l.Path)
		if why != nil {
			return fmt.Errorf("root does not write %q: %w", l.Path, why)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot write %q: %w", l.Path, &fs.PathError{Op: "access", Path: path, Err: err})
	}
	return nil
}

// access is access(2) for the user that the server will be, nil where the
// kernel cannot tell.
func (s *stage) access(path string, mode uint32) error {
	ask := func() (int, error) {
		_, _, e := unix.Syscall6(unix.SYS_FACCESSAT2, 0, 0, 0, 0, 0, 0)
		if e == unix.ENOSYS { // before Linux 5.8
			return 0, nil
		}
		return 0, unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS)
	}
	if s.Creds == nil || s.Creds.UID == os.Geteuid() {
		_, err := ask()
		return err
	}
	// A goroutine, since its thread, whose credentials change, ends with it.
	answer := make(chan error)
	go func() {
		runtime.LockOSThread()
		_, err := s.asUser(ask)
		answer <- err
	}()
	return <-answer
}
