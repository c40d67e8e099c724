package pidfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Dir is an open directory below which pidfiles live. Every name given to
// its methods is relative to it, and no symbolic link below it is ever
// followed, at any component: the directory may belong to a user who is not
// trusted. The path of the directory itself may hold links (/var/run does).
type Dir struct {
	path string
	file *os.File // O_PATH is not enough: List reads it
	lock *os.File // the lock file, once opened
}

// OpenDir opens the directory at path. The error is fs.ErrNotExist where there
// is none.
func OpenDir(path string) (*Dir, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &Dir{path: path, file: os.NewFile(uintptr(fd), path)}, nil
}

// MakeDir opens the directory at path, which it makes with mode 0755 where it
// is missing, parents included.
func MakeDir(path string) (*Dir, error) {
	d, err := OpenDir(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	return OpenDir(path)
}

// DirFromFile makes a Dir of an open directory that was inherited.
func DirFromFile(f *os.File) *Dir { return &Dir{path: f.Name(), file: f} }

// Path is the path that d was opened at.
func (d *Dir) Path() string { return d.path }

// File is the open directory itself, to be handed to a child.
func (d *Dir) File() *os.File { return d.file }

// Close closes the directory and gives up every lock that was taken below it.
func (d *Dir) Close() error {
	if d.lock != nil {
		d.lock.Close()
	}
	return d.file.Close()
}

// Read reads the pidfile name. It neither follows a link nor blocks on a FIFO.
// The error is fs.ErrNotExist where there is none and ErrMalformed for anything
// that is not a small regular file, of one link, that holds a pid.
func (d *Dir) Read(name string) (Record, error) {
	fd, err := d.openat(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return Record{}, d.readError(name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Record{}, d.fail("stat", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 || st.Size > maxSize {
		return Record{}, d.fail("read", name, fmt.Errorf("%w: %s", ErrMalformed, describe(&st)))
	}
	buf := make([]byte, maxSize+1)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return Record{}, d.fail("read", name, err)
	}
	pid, err := Parse(buf[:n])
	if err != nil {
		return Record{}, d.fail("read", name, err)
	}
	return Record{PID: pid, UID: st.Uid, ModTime: time.Unix(st.Mtim.Unix())}, nil
}

// readError turns what openat2(2) says of a link, a device without a driver or
// a socket into ErrMalformed: that is no pidfile, and no accident either.
func (d *Dir) readError(name string, err error) error {
	switch err {
	case unix.ELOOP, unix.EXDEV:
		err = fmt.Errorf("%w: a symbolic link is on the way", ErrMalformed)
	case unix.ENXIO, unix.ENODEV, unix.EISDIR:
		err = fmt.Errorf("%w: a device or a socket", ErrMalformed)
	case unix.ENOTDIR:
		err = unix.ENOENT
	}
	return d.fail("open", name, err)
}

func describe(st *unix.Stat_t) string {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFREG:
		if st.Nlink > 1 {
			return fmt.Sprintf("a file with %d links", st.Nlink)
		}
		return fmt.Sprintf("a file of %d bytes", st.Size)
	}
	return "a device or a socket"
}

// Write makes the pidfile name hold pid, whole or not at all: a temporary file
// of a hidden name at the top of d, then rename(2). Directories on the way are
// made with mode 0755. The caller holds the lock of name.
func (d *Dir) Write(name string, pid int) error {
	parent, err := d.mkdirs(path.Dir(name))
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	tmp := ".mgr." + strconv.FormatInt(offset(name), 36)
	dirfd := int(d.file.Fd())
	if err := unix.Unlinkat(dirfd, tmp, 0); err != nil && err != unix.ENOENT {
		return d.fail("remove", tmp, err)
	}
	fd, err := unix.Openat(dirfd, tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return d.fail("create", name, err)
	}
	f := os.NewFile(uintptr(fd), tmp)
	_, err = f.WriteString(strconv.Itoa(pid) + "\n")
	if err == nil {
		err = f.Chmod(0o644) // whatever the umask of the caller
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = unix.Renameat(dirfd, tmp, parent, path.Base(name))
	}
	if err != nil {
		_ = unix.Unlinkat(dirfd, tmp, 0)
		return d.fail("write", name, err)
	}
	return nil
}

// Remove removes the pidfile name if it still holds pid; pid 0 stands for
// something malformed in a regular file. The error is ErrChanged if it holds
// something else by now, and nil if it is gone already. The caller holds the
// lock of name.
func (d *Dir) Remove(name string, pid int) error {
	rec, err := d.Read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, ErrMalformed) && pid == 0:
	case err != nil:
		return err
	case rec.PID != pid:
		return d.fail("remove", name, ErrChanged)
	}
	parent, err := d.openat(path.Dir(name), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return d.fail("remove", name, err)
	}
	defer unix.Close(parent)
	if err := unix.Unlinkat(parent, path.Base(name), 0); err != nil && err != unix.ENOENT {
		return d.fail("remove", name, err)
	}
	return nil
}

// maxDepth bounds the walk of List: a run directory's owner may nest at will.
const maxDepth = 16

// List names everything below d, sorted, that could be a pidfile: entries that
// are no directories and end in .pid or .pid.d, below directories and files of
// the top whose names begin with one of prefixes. It follows no link.
func (d *Dir) List(prefixes []string) ([]string, error) {
	var names []string
	err := fs.WalkDir(noLinks{d}, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return skipUnreadable(name, err)
		}
		if name == "." {
			return nil
		}
		if !strings.Contains(name, "/") && !hasPrefix(name, prefixes) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			if strings.Count(name, "/") >= maxDepth {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".pid") || strings.HasSuffix(name, ".pid.d") {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// skipUnreadable leaves out directories that vanish or cannot be read, but not
// the top.
func skipUnreadable(name string, err error) error {
	if name == "." {
		return err
	}
	return nil
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// noLinks is d as an fs.FS whose directories are opened without following links.
type noLinks struct{ d *Dir }

func (n noLinks) Open(name string) (fs.File, error) {
	fd, err := n.d.openat(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, n.d.fail("open", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (n noLinks) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := n.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.(*os.File).ReadDir(-1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	sortEntries(entries)
	return entries, err
}

// mkdirs makes the directories of name and returns a descriptor of the last.
func (d *Dir) mkdirs(name string) (int, error) {
	fd, err := d.openat(name, unix.O_PATH|unix.O_DIRECTORY)
	if err == nil {
		return fd, nil
	}
	if err != unix.ENOENT || name == "." {
		return -1, d.fail("open", name, err)
	}
	up, err := d.mkdirs(path.Dir(name))
	if err != nil {
		return -1, err
	}
	defer unix.Close(up)
	if err := unix.Mkdirat(up, path.Base(name), 0o755); err != nil && err != unix.EEXIST {
		return -1, d.fail("mkdir", name, err)
	}
	fd, err = unix.Openat(up, path.Base(name), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, d.fail("open", name, err)
	}
	return fd, nil
}

// openat opens name below d following no link at any component: openat2(2)
// with RESOLVE_NO_SYMLINKS, and component by component before Linux 5.6.
func (d *Dir) openat(name string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(int(d.file.Fd()), name, &how)
	if err != unix.ENOSYS {
		return fd, err
	}
	return d.walk(name, flags)
}

func (d *Dir) walk(name string, flags int) (int, error) {
	at := int(d.file.Fd())
	parts := strings.Split(filepath.Clean(name), "/")
	for i, part := range parts {
		if part == ".." || part == "" {
			return -1, unix.EXDEV
		}
		how := unix.O_PATH | unix.O_DIRECTORY
		if i == len(parts)-1 {
			how = flags
		}
		fd, err := unix.Openat(at, part, how|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if i > 0 {
			unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}

func (d *Dir) fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: filepath.Join(d.path, name), Err: err}
}
