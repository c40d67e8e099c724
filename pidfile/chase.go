package pidfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Chase opens the directory at path as OpenDir does, or, if it is to be made, as
// MakeDir does, but for root it follows no symbolic link that somebody else could
// have put there: one in a directory that is not root's alone (CHASE_SAFE of
// systemd has the like rule). A directory itself may be anybody's.
func Chase(path string, missing Missing) (*Dir, error) {
	if os.Geteuid() != 0 {
		if missing == MakeIt {
			return MakeDir(path)
		}
		return OpenDir(path)
	}
	fd, err := chase(path, missing)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return DirFromFile(os.NewFile(uintptr(fd), path)), nil
}

// Missing says what is to be done about a directory that is not there.
type Missing bool

// What Chase can do about it.
const (
	LeaveIt Missing = false
	MakeIt  Missing = true
)

// maxLinks is how many links are followed on one way, path_resolution(7).
const maxLinks = 40

// ChaseFile opens the regular file at path for reading, in the way in which Chase
// opens a directory: for root it follows no link that somebody else could have put
// there, nor takes a file that has other names as well, since whose the others are
// cannot be told. Nothing else than a regular file is ever opened, so it blocks on
// no FIFO. The error is fs.ErrNotExist where there is none.
func ChaseFile(path string) (*os.File, error) {
	fd, err := openPath(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	return reopen(fd, path)
}

// openPath opens path with O_PATH, the last link of it followed.
func openPath(path string) (int, error) {
	if os.Geteuid() != 0 {
		return unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	return chasePath(path, LeaveIt)
}

// reopen opens for reading what is open with O_PATH as fd, if it is a regular file.
func reopen(fd int, path string) (*os.File, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		err = fmt.Errorf("%s, no file", describe(&st))
	case st.Nlink > 1 && os.Geteuid() == 0:
		err = fmt.Errorf("has %d links: root does not read it", st.Nlink)
	default:
		fd, err = unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func chase(path string, missing Missing) (int, error) {
	at, err := chasePath(path, missing)
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	return unix.Openat(at, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// chasePath gives what path leads to, open with O_PATH.
func chasePath(path string, missing Missing) (fd int, err error) {
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	at, err := unix.Open("/", flags|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(at)
		}
	}()
	links := 0
	for parts := split(path); len(parts) > 0; {
		part := parts[0]
		parts = parts[1:]
		next, err := unix.Openat(at, part, flags, 0)
		if err == unix.ENOENT && missing == MakeIt {
			if err = unix.Mkdirat(at, part, 0o755); err == nil || err == unix.EEXIST {
				next, err = unix.Openat(at, part, flags, 0)
			}
		}
		if err != nil {
			return -1, err
		}
		to, err := linkAt(at, next)
		if err != nil || to == "" {
			unix.Close(at)
			at = next
			if err != nil {
				return -1, err
			}
			continue
		}
		unix.Close(next)
		if links++; links > maxLinks {
			return -1, unix.ELOOP
		}
		parts = append(split(to), parts...)
		if filepath.IsAbs(to) {
			unix.Close(at)
			if at, err = unix.Open("/", flags|unix.O_DIRECTORY, 0); err != nil {
				return -1, err
			}
		}
	}
	return at, nil
}

func split(path string) []string {
	return strings.FieldsFunc(filepath.Clean(path), func(c rune) bool { return c == '/' })
}

// linkAt gives where the link that is open as fd leads to, "" if it is none. It
// refuses one in a directory dirfd that is not root's alone.
func linkAt(dirfd, fd int) (string, error) {
	var st, dir unix.Stat_t
	if err := errors.Join(unix.Fstat(fd, &st), unix.Fstat(dirfd, &dir)); err != nil {
		return "", err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", nil
	}
	if dir.Uid != 0 || dir.Mode&0o022 != 0 {
		return "", fmt.Errorf("%w: in a directory that is not root's alone", unix.ELOOP)
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
