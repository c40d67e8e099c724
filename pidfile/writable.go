package pidfile

import (
	"path"

	"golang.org/x/sys/unix"
)

// Writable says why Write could not write the pidfile name, as far as that can be
// told: what stands in its way, and what the caller may not. Nothing is touched.
func (d *Dir) Writable(name string) error {
	dirfd, tmp := d.fd(), temporary(name)
	switch kind, err := kindOf(dirfd, tmp); {
	case err == nil && kind == unix.S_IFDIR:
		return d.fail("remove", tmp, unix.EISDIR)
	case err != nil && err != unix.ENOENT:
		return d.fail("stat", tmp, err)
	}
	if err := unix.Faccessat(dirfd, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return d.fail("create", tmp, err)
	}
	parent, err := openBeneath(dirfd, path.Dir(name), unix.O_PATH|unix.O_DIRECTORY)
	if err == unix.ENOENT {
		return nil // it will be made
	}
	if err == nil {
		defer unix.Close(parent)
		err = unix.Faccessat(parent, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	}
	if err != nil {
		return d.fail("write", name, err)
	}
	return nil
}

// Try writes a file as Write does, and removes it again: a full disk is seen only
// so. The caller holds the lock of name.
func (d *Dir) Try(name string) error {
	fd, err := d.create(temporary(name))
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte("0"))
	if e := unix.Close(fd); err == nil {
		err = e
	}
	if e := unix.Unlinkat(d.fd(), temporary(name), 0); err == nil {
		err = e
	}
	if err != nil {
		return d.fail("write", temporary(name), err)
	}
	return nil
}
