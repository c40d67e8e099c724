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
	FD   int    // 1 or 2
	Path string // a log file, absolute
	Null bool   // /dev/null
	Same bool   // what stdout is
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
		path := l.Path
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
		if os.Geteuid() == 0 && path != os.DevNull {
			if why := rootMayWrite(path); why != nil {
				return -1, fmt.Errorf("root does not write there: %w", why)
			}
		}
		fd, _, err := makeLog(path)
		return fd, err
	}
	fd, err := s.asUser(func() (int, error) {
		fd, _, err := makeLog(path)
		return fd, err
	})
	if !errors.Is(err, fs.ErrPermission) {
		return fd, err
	}
	if why := rootMayWrite(path); why != nil {
		return -1, fmt.Errorf("%w for uid %d, and root does not write there: %w", unix.EACCES, s.Creds.UID, why)
	}
	fd, made, err := makeLog(path)
	if made { // what is there already stays whose it is
		_ = unix.Fchown(fd, s.Creds.UID, s.Creds.GID)
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

// makeLog opens a log file, which it makes if need be, its directories included;
// made says that it did.
func makeLog(path string) (fd int, made bool, err error) {
	fd, err = openAppend(path, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return fd, false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return -1, false, cause(err)
	}
	fd, err = openAppend(path, unix.O_CREAT|unix.O_EXCL)
	if err == unix.EEXIST { // somebody was quicker
		fd, err = openAppend(path, 0)
		return fd, false, err
	}
	return fd, err == nil, err
}

func openAppend(path string, flags int) (int, error) {
	fd, err := unix.Open(path, logFlags|flags, 0o640)
	switch {
	case err == unix.ELOOP:
		return -1, errors.New("is a symbolic link")
	case err == unix.ENXIO:
		return -1, errors.New("is a FIFO that nobody reads")
	case err != nil:
		return -1, err
	}
	if err := settleLog(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// settleLog refuses a file that has other names as well, and takes off O_NONBLOCK,
// which the server does not expect.
func settleLog(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1 {
		return fmt.Errorf("has %d links", st.Nlink)
	}
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, status&^unix.O_NONBLOCK)
	return err
}

// trusted says why one of the directories on the way to dir, dir included, may
// be changed by somebody else than root; nil if none may. Links of root's own are
// followed: /var/run is one.
func trusted(dir string) error { return trustedBelow(dir, maxLinks) }

// rootMayWrite says why root must not open a log file: somebody else could make
// its path lead elsewhere, or has made the file itself where all may make some.
func rootMayWrite(path string) error {
	dir := filepath.Dir(path)
	if err := trusted(dir); err != nil {
		return err
	}
	var st, parent unix.Stat_t
	if unix.Lstat(path, &st) != nil || unix.Stat(dir, &parent) != nil {
		return nil
	}
	if st.Uid != 0 && parent.Mode&0o022 != 0 {
		return fmt.Errorf("%q is another user's, in a directory of all", path)
	}
	return nil
}

// maxLinks is how many links are followed, as by the kernel (path_resolution(7)).
const maxLinks = 40

func trustedBelow(dir string, links int) error {
	at, open := "/", false // others may make entries in at
	parts := strings.Split(strings.Trim(filepath.Clean(dir), "/"), "/")
	for n, part := range append([]string{""}, parts...) {
		at = filepath.Join(at, part)
		var st unix.Stat_t
		switch err := unix.Lstat(at, &st); {
		case err == unix.ENOENT && open:
			return fmt.Errorf("%q is yet to be made, where others may make it", at)
		case err == unix.ENOENT:
			return nil
		case err != nil:
			return fmt.Errorf("%q: %w", at, err)
		case st.Uid != 0:
			return fmt.Errorf("%q is not root's alone", at)
		case st.Mode&unix.S_IFMT == unix.S_IFLNK:
			to, err := os.Readlink(at)
			if err != nil || links == 0 || open {
				return fmt.Errorf("%q is a symbolic link", at)
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(at), to)
			}
			return trustedBelow(filepath.Join(to, filepath.Join(parts[n:]...)), links-1)
		case st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0:
			return fmt.Errorf("%q is not root's alone", at)
		}
		open = st.Mode&0o022 != 0
	}
	return nil
}
