package pidfile

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

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
	fd, err = openBeneath(up, path.Base(name), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return -1, d.fail("open", name, err)
	}
	return fd, nil
}

// openat opens name below d.
func (d *Dir) openat(name string, flags int) (int, error) { return openBeneath(d.fd(), name, flags) }

// openBeneath opens name below dirfd, following no link and crossing no mount
// point at any component: openat2(2), and component by component where there is
// none, before Linux 5.6 and under seccomp filters that do not know it, which
// say EPERM. A link is ELOOP, a way out EXDEV.
func openBeneath(dirfd int, name string, flags int) (int, error) {
	if !valid(name) {
		return -1, unix.EXDEV
	}
	// A mount is refused because the owner of the directory may be able to make
	// one, of a FUSE file system that never answers.
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	for {
		fd, err := unix.Openat2(dirfd, name, &how)
		switch err {
		case unix.EINTR:
		case unix.ENOSYS, unix.EPERM:
			return walk(dirfd, name, flags)
		default:
			return fd, err
		}
	}
}

// valid says whether name is a clean path that does not lead upwards. Unlike
// fs.ValidPath it leaves the encoding to who named the file.
func valid(name string) bool {
	if name == "." {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// walk is openBeneath without openat2(2). Of mount points it sees those of
// other file systems.
func walk(dirfd int, name string, flags int) (int, error) {
	at := dirfd
	parts := strings.Split(name, "/")
	for i, part := range parts {
		how := unix.O_PATH | unix.O_DIRECTORY
		if i == len(parts)-1 {
			how = flags
		}
		fd, err := step(at, part, how)
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

// step opens one component below dirfd. O_DIRECTORY alone would call a link
// ENOTDIR, and O_PATH alone would open it.
func step(dirfd int, part string, flags int) (int, error) {
	var st, top unix.Stat_t
	fd, err := uninterrupted(func() (int, error) {
		return unix.Openat(dirfd, part, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err == unix.ENOTDIR && unix.Fstatat(dirfd, part, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return -1, unix.ELOOP
	}
	if err != nil {
		return -1, err
	}
	err = unix.Fstat(fd, &st)
	if err == nil {
		err = unix.Fstat(dirfd, &top)
	}
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		err = unix.ELOOP
	case st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Dev != top.Dev:
		err = unix.EXDEV
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// kindOf gives what stands at name below dirfd, S_IFREG say. What is mounted there is
// not asked: the error is EXDEV.
func kindOf(dirfd int, name string) (uint32, error) {
	fd, err := openBeneath(dirfd, name, unix.O_PATH|unix.O_NOFOLLOW)
	if err == unix.ELOOP {
		return unix.S_IFLNK, nil
	}
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return st.Mode & unix.S_IFMT, err
}

// read is read(2), again as long as a signal interrupts it. It runs for every
// instance, and without a closure, which would put buf on the heap.
func read(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// uninterrupted calls f again as long as a signal interrupts it, as package os
// does: the runtime sends itself signals, and not every file system restarts.
func uninterrupted(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}
