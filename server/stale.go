package server

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// A Stale is something on disk that is not what a running server has taken of it.
type Stale struct {
	What    string    // conf or command
	Path    string    // the file; of a conf that is a directory, the newest one in it
	Changed time.Time // zero: the file that the process runs is not there any more
}

// Stale says what the running instance that f is about has an older version of:
// its conf, or its command. What counts is when it was started, or reloaded by mgr,
// which Reread takes down. The error says what could not be seen; f's handle has to
// be open.
func (i *Instance) Stale(f pidfile.Finding) ([]Stale, error) {
	since, ok := f.Process.Born()
	if !ok {
		return nil, pidfile.ErrGone
	}
	// A time that is yet to come tells of nothing but a clock that was set back.
	if read := f.Record.ModTime; read.After(since) && !read.After(time.Now()) {
		since = read
	}
	var out []Stale
	if i.Conf != "" && !i.Orphan {
		path, changed, err := newest(i.Conf)
		if err != nil {
			return nil, err
		}
		if changed.After(since) {
			out = append(out, Stale{"conf", path, changed})
		}
	}
	path, replaced, err := f.Process.Replaced(&i.fleet.Reader)
	if err == nil && replaced {
		return append(out, Stale{What: "command", Path: path}), nil
	}
	command, _, missing := i.Command()
	if missing != nil { // it runs on without it
		return out, nil
	}
	if changed, seen := changed(command); seen == nil && changed.After(since) {
		out = append(out, Stale{"command", command, changed})
	}
	return out, err
}

// Reread takes down, in the pidfile's modification time, that the process pid was
// told at that time to read its conf, or to execute its command, anew.
func (i *Instance) Reread(pid int, at time.Time) error {
	dir, name, err := i.dir(pidfile.LeaveIt)
	if err != nil {
		return err
	}
	return dir.Touch(name, pid, at)
}

// maxNewest is how many files of a conf directory are looked at.
const maxNewest = 4096

// newest gives the file of a conf that was changed last: the conf itself, or, if it
// is a directory, or a link to one, one of those in it.
func newest(conf string) (path string, at time.Time, err error) {
	root, left := conf, maxNewest
	if info, err := os.Stat(conf); err == nil && info.IsDir() {
		root += "/" // a link is not walked otherwise
	}
	err = filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if name == root {
			name = conf
		}
		if err == nil {
			var when time.Time
			if when, err = changed(name); err == nil && !when.Before(at) {
				path, at = name, when
			}
		}
		if left--; left == 0 {
			return fs.SkipAll
		}
		if err != nil && name != conf {
			return nil // it has gone since, or is a link to nowhere
		}
		return err
	})
	return path, at, err
}

// changed is when what path leads to was written, or put there, and when the links
// on the way were made.
func changed(path string) (time.Time, error) {
	var last time.Time
	for range maxLinks {
		link, rest := firstLink(path)
		at, err := placed(cmp.Or(link, path))
		if err != nil {
			return time.Time{}, err
		}
		if at.After(last) {
			last = at
		}
		if link == "" {
			return last, nil
		}
		to, err := os.Readlink(link)
		if err != nil {
			return time.Time{}, err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(link), to)
		}
		path = filepath.Join(to, rest)
	}
	return time.Time{}, &os.PathError{Op: "statx", Path: path, Err: unix.ELOOP}
}

// firstLink splits an absolute path behind the first part that is a link; "" if
// there is none.
func firstLink(path string) (link, rest string) {
	for at := 1; at < len(path); at++ {
		n := strings.IndexByte(path[at:], '/')
		if n < 0 {
			n = len(path) - at
		}
		at += n
		var st unix.Stat_t
		if unix.Lstat(path[:at], &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			return path[:at], path[at:]
		}
	}
	return "", ""
}

// placed is when a file was written, or put there: one that a package manager or a
// copy has brought may carry the time at which it was written elsewhere, and has
// that of its birth. One that was moved there has neither: its inode was changed,
// and its directory was, of which chown(2) and chmod(2) do but the first. A time of
// writing that is later than the last change of the inode, which nobody can set, was
// set by hand, or by another clock: then that change counts.
func placed(path string) (time.Time, error) {
	var st, dir unix.Statx_t
	if err := statx(path, &st); err != nil {
		return time.Time{}, err
	}
	if err := statx(filepath.Dir(path), &dir); err != nil {
		return time.Time{}, err
	}
	inode := moment(st.Ctime)
	last := earlier(moment(st.Mtime), inode)
	if born := moment(st.Btime); st.Mask&unix.STATX_BTIME != 0 && born.After(last) { // not every file system has one
		last = born
	}
	if moved := earlier(inode, moment(dir.Mtime)); moved.After(last) {
		last = moved
	}
	return last, nil
}

func statx(path string, st *unix.Statx_t) error {
	const mask = unix.STATX_MTIME | unix.STATX_CTIME | unix.STATX_BTIME
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, mask, st); err != nil {
		return &os.PathError{Op: "statx", Path: path, Err: err}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func moment(t unix.StatxTimestamp) time.Time { return time.Unix(t.Sec, int64(t.Nsec)) }
