package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// nearest is the directory itself, or else the next one above it that is there.
func nearest(dir string) (string, error) {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return "", &fs.PathError{Op: "open", Path: dir, Err: unix.ENOTDIR}
		case err == nil, dir == "/":
			return dir, err
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
}

// DirWritable says why the caller cannot write to the directory or, where it is yet
// to be made, to the nearest one above it.
func DirWritable(dir string) error {
	path, err := nearest(dir)
	if err != nil {
		return cause(err)
	}
	return unix.Access(path, unix.W_OK|unix.X_OK)
}

// A Space is what a file system has left.
type Space struct {
	Path     string // what was asked about: the directory, or the next one above it that is there
	ReadOnly bool
	Free     uint64 // bytes that the caller may use
	Size     uint64
	Inodes   uint64 // free ones
	Counted  bool   // it counts inodes
}

// SpaceAt asks the file system that dir is on, or would be, statfs(2).
func SpaceAt(dir string) (Space, error) {
	path, err := nearest(dir)
	if err != nil {
		return Space{}, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Space{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	free := st.Bavail
	if os.Geteuid() == 0 {
		free = st.Bfree // some are kept for root
	}
	s := space(st, free)
	s.Path = path
	return s, nil
}

// space is what st tells, with so many blocks free. Blocks have the size of a fragment,
// statvfs(3): Bsize is what is best to transfer at a time, on some file systems more.
func space(st unix.Statfs_t, free uint64) Space {
	return Space{
		ReadOnly: st.Flags&unix.ST_RDONLY != 0, Inodes: st.Ffree, Counted: st.Files > 0,
		Free: free * uint64(st.Frsize), Size: st.Blocks * uint64(st.Frsize),
	}
}

// LogDirs are the directories that the instance's logs are in: one if it is the same
// for all.
func (i *Instance) LogDirs() []string {
	logs, err := i.Logs()
	if err != nil {
		return nil
	}
	var dirs []string
	for _, l := range logs {
		if dir := filepath.Dir(l.Path); len(dirs) == 0 || dirs[len(dirs)-1] != dir {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
