package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"mgr/conftree"
	"mgr/pidfile"
)

// errOtherUser says that only root, or the server's user, can tell.
var errOtherUser = errors.New("only root, or the user that it runs as, can tell")

// OtherUser says whether only root could start the instance, or ask the kernel
// what its user may do: that is neither the caller nor is the caller root.
func (i *Instance) OtherUser() bool {
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	return err == nil && creds != nil && os.Geteuid() != 0
}

// UserText is the user that the instance is started as: its name, and "" for the
// caller.
func (i *Instance) UserText() string {
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	if err != nil || creds == nil {
		return ""
	}
	return pidfile.UserName(uint32(creds.UID))
}

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

// may says why the server's user may not use a file; errOtherUser where nobody can
// tell. Until it has given up root, if that is what it does itself, a server may
// what root may: then there is no user to ask for.
func (i *Instance) may(path string, mode uint32) error {
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	if err != nil || creds == nil {
		return nil
	}
	if i.OtherUser() {
		return errOtherUser
	}
	s := &stage{Creds: creds}
	if err := s.access(path, mode); err != nil {
		return fmt.Errorf("%w for user %s", err, pidfile.UserName(uint32(creds.UID)))
	}
	return nil
}

// CannotTell says whether err means that the caller may not know.
func CannotTell(err error) bool { return errors.Is(err, errOtherUser) }

// ConfSettings gives what the conf says in its [DEFAULT], where the profile tells
// its syntax, and what is wrong with that.
func (i *Instance) ConfSettings() (map[string]string, error) {
	return conftree.Settings(i.Conf, "DEFAULT")
}

// Shortages are the limits of the profile that the instance would not get if the
// caller started it.
func (i *Instance) Shortages() []LimitWarning {
	var out []LimitWarning
	for _, l := range i.Program.Limits {
		var have unix.Rlimit
		if unix.Getrlimit(l.Resource, &have) != nil || have.Max >= l.Value {
			continue
		}
		switch most := number("/proc/sys/fs/nr_open"); {
		case !mayRaiseLimits():
			out = append(out, LimitWarning{Key: l.Key, Want: l.Value, Max: have.Max, Err: "it takes CAP_SYS_RESOURCE to raise it"})
		case l.Resource == unix.RLIMIT_NOFILE && most > 0 && l.Value > most:
			out = append(out, LimitWarning{Key: l.Key, Want: l.Value, Max: have.Max, Err: fmt.Sprintf("fs.nr_open is %d", most)})
		}
	}
	return out
}

// mayRaiseLimits says whether the caller may raise hard limits: root may not in
// every container.
func mayRaiseLimits() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}
