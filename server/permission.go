package server

import (
	"errors"
	"fmt"
	"os"

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

// may says why the server's user may not use a file; errOtherUser where the caller
// cannot find out. A server whose profile names no user may give up root by itself.
// Until then it may do what root may, so that there is no user to ask about.
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
