package pidfile

import (
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// lockName is the name of the one lock file at the top of a run directory. It
// is hidden, so that nothing takes it for a pidfile.
const lockName = ".mgr.lock"

// TryLock takes the lock of the pidfile name, or says ErrLocked. The lock is
// one byte of the lock file, an open file description lock (fcntl(2)): it
// belongs to the open file, so a killed holder holds nothing, and a child that
// inherited the file holds it until it closes it.
func (d *Dir) TryLock(name string) error {
	err := d.flock(unix.F_OFD_SETLK, unix.F_WRLCK, name)
	if err == unix.EAGAIN || err == unix.EACCES {
		err = ErrLocked
	}
	return d.lockError(name, err)
}

// AwaitLock gives what waits until nobody has the lock of the pidfile name, however
// long that takes. It takes nothing, so it can be left behind in a goroutine: then TryLock
// takes the lock, unless somebody else was faster.
func (d *Dir) AwaitLock(name string) (wait func() error, err error) {
	if err := d.openLock(); err != nil {
		return nil, err
	}
	// Opened anew, since what d's own descriptor got would be held as long as d is open.
	// Not by its name, which may lead elsewhere by now.
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(d.lock.Fd())), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, d.lockError(name, err)
	}
	return func() error {
		defer unix.Close(fd)
		lk := lockOf(name, unix.F_WRLCK)
		_, err := uninterrupted(func() (int, error) { return 0, unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &lk) })
		return d.lockError(name, err)
	}, nil
}

// lockError gives err its context, which errors of the lock file itself have.
func (d *Dir) lockError(name string, err error) error {
	var pe *fs.PathError
	if err == nil || errors.As(err, &pe) {
		return err
	}
	return d.fail("lock", name, err)
}

// MayLock says what TryLock would, and takes nothing and makes nothing: whether
// somebody has the lock of the pidfile name, and else what would keep a lock from
// being taken.
func (d *Dir) MayLock(name string) error {
	if d.lock == nil {
		fd, err := d.openat(lockName, lockFlags)
		if err == unix.ENOENT {
			if err := unix.Faccessat(d.fd(), ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
				return d.fail("lock", lockName, err)
			}
			return nil
		}
		if err = d.keepLock(fd, err); err != nil {
			return err
		}
	}
	lk := lockOf(name, unix.F_WRLCK)
	err := unix.FcntlFlock(d.lock.Fd(), unix.F_OFD_GETLK, &lk)
	if err == nil && lk.Type != unix.F_UNLCK {
		err = ErrLocked
	}
	return d.lockError(name, err)
}

// Unlock gives up the lock of the pidfile name.
func (d *Dir) Unlock(name string) {
	if d.lock != nil {
		_ = d.flock(unix.F_OFD_SETLK, unix.F_UNLCK, name)
	}
}

// LockFile is the open lock file, to be handed to a child that must keep the
// locks until it is through; nil before the first lock.
func (d *Dir) LockFile() *os.File { return d.lock }

// flock gives the bare errno of fcntl(2), and a *fs.PathError of the lock file.
func (d *Dir) flock(cmd int, kind int16, name string) error {
	if err := d.openLock(); err != nil {
		return err
	}
	lk := lockOf(name, kind)
	return unix.FcntlFlock(d.lock.Fd(), cmd, &lk)
}

// lockOf is the byte of the lock file that stands for name.
func lockOf(name string, kind int16) unix.Flock_t {
	return unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: offset(name), Len: 1}
}

// openLock opens the lock file, or makes it: mode 0600, and of the run
// directory's owner, who must be able to start servers after root did.
func (d *Dir) openLock() error {
	if d.lock != nil {
		return nil
	}
	dirfd := d.fd()
	fd, err := unix.Openat(dirfd, lockName, lockFlags|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err == nil {
		chownLike(fd, dirfd)
	}
	if err == unix.EEXIST {
		fd, err = d.openat(lockName, lockFlags)
	}
	return d.keepLock(fd, err)
}

// lockFlags open a lock file, which the owner of the run directory may have replaced.
const lockFlags = unix.O_RDWR | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC

// keepLock keeps the lock file that was opened, if it was and is one.
func (d *Dir) keepLock(fd int, err error) error {
	if err != nil {
		return d.fail("lock", lockName, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return d.fail("lock", lockName, errors.New("not a regular file"))
	}
	d.lock = os.NewFile(uintptr(fd), lockName)
	return nil
}

// chownLike gives the file that was just made to the owner of its directory,
// through its descriptor: a path could have been swapped meanwhile.
func chownLike(fd, dirfd int) {
	var st unix.Stat_t
	if unix.Geteuid() == 0 && unix.Fstat(dirfd, &st) == nil && st.Uid != 0 {
		_ = unix.Fchown(fd, int(st.Uid), int(st.Gid))
	}
}

// offset is where in the lock file that byte is.
func offset(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return int64(h.Sum64() >> 2) // positive, with room for a length
}
