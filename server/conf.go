package server

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"mgr/conftree"
)

// ConfReadable says why the conf cannot be read, by the caller or, as far as the
// kernel tells, by the server's user.
func (i *Instance) ConfReadable() error {
	info, err := openable(i.Conf)
	if errors.Is(err, fs.ErrPermission) && i.OtherUser() {
		return errOtherUser
	}
	if err != nil {
		return cause(err)
	}
	mode := uint32(unix.R_OK)
	if info.IsDir() {
		mode |= unix.X_OK
	}
	return i.may(i.Conf, mode)
}

// errNotRegular is said of what is neither a file nor a directory.
var errNotRegular = errors.New("not a regular file")

// openable opens a conf, a file or a directory, to see that the caller can, and
// gives what it is; errNotRegular if it is anything else.
func openable(conf string) (fs.FileInfo, error) {
	f, err := os.OpenFile(conf, os.O_RDONLY|unix.O_NONBLOCK, 0) // it may be a FIFO
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = errNotRegular
	}
	return info, err
}

// ConfSettings gives what the conf says in its [DEFAULT], where the profile tells
// its syntax, and what is wrong with that.
func (i *Instance) ConfSettings() (map[string]string, error) {
	return conftree.Settings(i.Conf, "DEFAULT")
}
