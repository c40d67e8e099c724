package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A stageLog is what the stage is to put in the place of stdout or stderr.
type stageLog struct {
	FD   int  // 1 or 2
	Path raw  // a log file, absolute
	Null bool // /dev/null
	Same bool // what stdout is
}

// openLogs puts the log files in their places, and reports where each began.
// It is called before the credentials are given up.
func (s *stage) openLogs(report *os.File) error {
	for _, l := range s.Logs {
		if l.Same {
			if err := unix.Dup2(1, 2); err != nil {
				return fmt.Errorf("stderr: %w", err)
			}
			continue
		}
		path := string(l.Path)
		if l.Null {
			path = os.DevNull
		}
		fd, err := s.openLog(path)
		if err != nil {
			return fmt.Errorf("log file %q: %w", path, err)
		}
		if err := unix.Dup2(fd, l.FD); err != nil {
			return fmt.Errorf("log file %q: %w", path, err)
		}
		unix.Close(fd)
		var st unix.Stat_t
		if !l.Null && unix.Fstat(l.FD, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			fmt.Fprintf(report, "O%d %d %d %q\n", st.Dev, st.Ino, st.Size, path)
		}
	}
	return nil
}

const logFlags = unix.O_WRONLY | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

// openLog opens a log file for append, which it makes with mode 0640 and its
// directories with 0755: as the user that the server will be, so that a link in
// a directory of that user leads nowhere that he could not go himself. Where he
// may not, root does, below directories that are root's alone.
func (s *stage) openLog(path string) (int, error) {
	if s.Creds == nil || s.Creds.UID == os.Geteuid() {
		return makeLog(path)
	}
	fd, err := s.asUser(func() (int, error) { return makeLog(path) })
	if !errors.Is(err, fs.ErrPermission) {
		return fd, err
	}
	if why := trusted(filepath.Dir(path)); why != nil {
		return -1, fmt.Errorf("%w for uid %d, and root does not write there: %w", unix.EACCES, s.Creds.UID, why)
	}
	fd, err = makeLog(path)
	if err == nil {
		// Its own, if it was made just now; what is there already stays as it is.
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Uid == 0 && st.Size == 0 {
			_ = unix.Fchown(fd, s.Creds.UID, s.Creds.GID)
		}
	}
	return fd, err
}

// asUser calls f with the file system credentials of the server's user, as far
// as they decide on files: setfsuid(2), setfsgid(2), and the groups. The stage
// keeps to one thread, and gives them up for good before it becomes the server.
func (s *stage) asUser(f func() (int, error)) (int, error) {
	groups, err := syscall.Getgroups()
	if err != nil {
		return -1, err
	}
	restore := func() {
		_ = unix.Setfsuid(os.Geteuid())
		_ = unix.Setfsgid(os.Getegid())
		_ = rawSetgroups(groups)
	}
	defer restore()
	if err := rawSetgroups(s.Creds.Groups); err != nil {
		return -1, fmt.Errorf("setgroups: %w", err)
	}
	if err := errors.Join(unix.Setfsgid(s.Creds.GID), unix.Setfsuid(s.Creds.UID)); err != nil {
		return -1, err
	}
	return f()
}

// makeLog opens a log file, and makes it and its directories if need be.
func makeLog(path string) (int, error) {
	fd, err := openAppend(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return fd, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return -1, cause(err)
	}
	return openAppend(path)
}

func openAppend(path string) (int, error) {
	fd, err := unix.Open(path, logFlags|unix.O_CREAT, 0o640)
	switch {
	case err == unix.ELOOP:
		return -1, errors.New("is a symbolic link")
	case err == unix.ENXIO:
		return -1, errors.New("is a FIFO that nobody reads")
	case err != nil:
		return -1, err
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1 {
		err = fmt.Errorf("has %d links", st.Nlink)
	}
	// Without O_NONBLOCK from here on: the server knows nothing of it.
	flags := 0
	if err == nil {
		flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^unix.O_NONBLOCK)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// trusted says why one of the directories on the way to dir, dir included, may
// be changed by somebody else than root; nil if none may.
func trusted(dir string) error {
	at := "/"
	for _, part := range append([]string{""}, strings.Split(strings.Trim(filepath.Clean(dir), "/"), "/")...) {
		at = filepath.Join(at, part)
		var st unix.Stat_t
		switch err := unix.Lstat(at, &st); {
		case err == unix.ENOENT:
			return nil // to be made
		case err != nil:
			return fmt.Errorf("%q: %w", at, err)
		case st.Mode&unix.S_IFMT == unix.S_IFLNK:
			return fmt.Errorf("%q is a symbolic link", at)
		case st.Uid != 0 || st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0:
			return fmt.Errorf("%q is not root's alone", at)
		}
	}
	return nil
}
