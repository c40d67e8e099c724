package pidfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A Dir is an open directory below which pidfiles live. Every name given to
// its methods is relative to it, and no symbolic link below it is ever
// followed, nor a mount point crossed, at any component: the directory may
// belong to a user who is not trusted. The path of the directory itself may
// hold links (/var/run does). A Dir is for one goroutine, but several may Inspect
// at once, and what AwaitLock gives may wait in another.
type Dir struct {
	// Lines says that the pidfiles are those of services that write more into
	// them than mgr does: of several lines the first counts.
	Lines bool
	// Reader reads of the processes. It may be nil where no process is looked at.
	Reader *Reader

	path    string
	file    *os.File // O_PATH is not enough: List reads it
	lock    *os.File // the lock file, once opened
	outlook outlook  // on the processes that are inspected
	left    bool     // a look into it may never come back
}

// OpenDir opens the directory at path. The error is fs.ErrNotExist where there
// is none.
func OpenDir(path string) (*Dir, error) {
	fd, err := uninterrupted(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return DirFromFile(os.NewFile(uintptr(fd), path)), nil
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
func DirFromFile(f *os.File) *Dir {
	return &Dir{path: f.Name(), file: f}
}

func (d *Dir) view() view { return d.outlook.from(d.Reader) }

// Path is the path that d was opened at.
func (d *Dir) Path() string { return d.path }

// File is the open directory itself, to be handed to a child.
func (d *Dir) File() *os.File { return d.file }

// Leave says that a Glance is left behind, which may still come back: Close leaves the
// directory open then, or that would go on in whatever has its descriptor next.
func (d *Dir) Leave() { d.left = true }

// Close closes the directory and gives up every lock that was taken below it.
func (d *Dir) Close() error {
	if d.lock != nil {
		d.lock.Close()
	}
	if d.left {
		return nil
	}
	d.outlook.close()
	return d.file.Close()
}

// Read reads the pidfile name. It neither follows a link nor blocks on a FIFO.
// The error is fs.ErrNotExist where there is none and ErrMalformed for anything
// that is not a small regular file, of one link, that holds a pid.
func (d *Dir) Read(name string) (Record, error) {
	rec, err := d.readAt(d.fd(), name)
	if err != nil {
		return Record{}, d.fail("read", name, err)
	}
	return rec, nil
}

// readAt reads the pidfile name below dirfd.
func (d *Dir) readAt(dirfd int, name string) (Record, error) {
	fd, rec, err := d.open(dirfd, name)
	if err == nil {
		unix.Close(fd)
	}
	return rec, err
}

// open opens the pidfile name below dirfd and reads it.
func (d *Dir) open(dirfd int, name string) (int, Record, error) {
	fd, err := openBeneath(dirfd, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return -1, Record{}, openError(err)
	}
	rec, err := d.record(fd)
	if err != nil {
		unix.Close(fd)
		return -1, Record{}, err
	}
	return fd, rec, nil
}

// record reads an open pidfile.
func (d *Dir) record(fd int) (Record, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Record{}, err
	}
	var small [maxSize + 1]byte
	buf := small[:]
	if d.Lines {
		buf = make([]byte, maxLines+1)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 || st.Size >= int64(len(buf)) {
		return Record{}, fmt.Errorf("%w: %s", ErrMalformed, describe(&st))
	}
	n, err := read(fd, buf)
	if err != nil {
		return Record{}, err
	}
	buf = buf[:n]
	if d.Lines {
		buf = firstLine(buf)
	}
	pid, err := parsePID(buf)
	if err != nil {
		return Record{}, err
	}
	return Record{PID: pid, UID: st.Uid, ModTime: time.Unix(st.Mtim.Unix())}, nil
}

// openError turns what openat2(2) says of a link, a device without a driver or
// a socket into ErrMalformed: that is no pidfile, and no accident either. Where
// a file stands in a directory's place there is no pidfile.
func openError(err error) error {
	switch err {
	case unix.ELOOP:
		return fmt.Errorf("%w: a symbolic link is on the way", ErrMalformed)
	case unix.EXDEV:
		return fmt.Errorf("%w: the way there leads out of the directory", ErrMalformed)
	case unix.ENXIO, unix.ENODEV:
		return fmt.Errorf("%w: a device or a socket", ErrMalformed)
	case unix.ENOTDIR:
		return unix.ENOENT
	}
	return err
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
// of a hidden name at the top of d, then rename(2). The name follows from that
// of the pidfile, so what a killed writer left is replaced by the next one.
// Directories on the way are made with mode 0755, less the umask. The caller
// holds the lock of name.
func (d *Dir) Write(name string, pid int) error {
	return d.write(name, pid, func(int) error { return nil })
}

// write is Write, with finish for the open file before it gets its name.
func (d *Dir) write(name string, pid int, finish func(fd int) error) error {
	parent, err := d.mkdirs(path.Dir(name))
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	tmp, dirfd := temporary(name), d.fd()
	fd, err := d.create(tmp)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), tmp)
	if _, err = f.WriteString(strconv.Itoa(pid)); err == nil {
		err = f.Chmod(0o644) // whatever the umask of the caller
	}
	if err == nil {
		err = finish(fd)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = unix.Renameat(dirfd, tmp, parent, path.Base(name))
	}
	if err != nil {
		_ = unix.Unlinkat(dirfd, tmp, 0)
		err = d.fail("write", name, err)
	}
	return err
}

// create makes the file tmp at the top of d, in the place of one that a killed
// writer left.
func (d *Dir) create(tmp string) (int, error) {
	dirfd := d.fd()
	if err := unix.Unlinkat(dirfd, tmp, 0); err != nil && err != unix.ENOENT {
		return -1, d.fail("remove", tmp, err)
	}
	fd, err := unix.Openat(dirfd, tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return -1, d.fail("create", tmp, err)
	}
	return fd, nil
}

// temporary is the name of the file that becomes the pidfile name. Two writers of
// one name exclude each other by its lock.
func temporary(name string) string { return ".mgr." + strconv.FormatInt(offset(name), 36) }

// Remove removes the pidfile name if it still holds pid; pid 0 stands for
// something malformed in a regular file. The error is ErrChanged if it holds
// something else by now, ErrMalformed if it is no regular file, and nil if it is
// gone already. The caller holds the lock of name.
func (d *Dir) Remove(name string, pid int) error {
	return d.remove(name, pid, func(parent int, base string) error { return unix.Unlinkat(parent, base, 0) })
}

// MayRemove says what Remove would, as far as it can be told without doing it.
func (d *Dir) MayRemove(name string, pid int) error {
	return d.remove(name, pid, func(parent int, _ string) error {
		return unix.Faccessat(parent, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	})
}

// remove is Remove, with unlink to do it.
func (d *Dir) remove(name string, pid int, unlink func(parent int, base string) error) error {
	parent, err := d.openat(path.Dir(name), unix.O_PATH|unix.O_DIRECTORY)
	if err == nil {
		defer unix.Close(parent)
		if err = d.removable(parent, path.Base(name), pid); err == nil {
			err = unlink(parent, path.Base(name))
		}
	} else {
		err = openError(err)
	}
	if err == nil || err == unix.ENOENT {
		return nil
	}
	return d.fail("remove", name, err)
}

// removable says whether what stands at base is what Remove is to remove.
func (d *Dir) removable(parent int, base string, pid int) error {
	rec, err := d.readAt(parent, base)
	switch {
	case errors.Is(err, ErrMalformed) && pid == 0:
		kind, e := kindOf(parent, base)
		if e == unix.EXDEV || e == nil && kind != unix.S_IFREG {
			return err
		}
		if e != nil {
			return e
		}
	case err != nil:
		return err
	case rec.PID != pid:
		return ErrChanged
	}
	return nil
}

func (d *Dir) fd() int { return int(d.file.Fd()) }

func (d *Dir) fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: filepath.Join(d.path, name), Err: err}
}
