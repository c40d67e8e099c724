package server

import (
	"io/fs"
)

// TryLock takes the instance's lock, or says pidfile.ErrLocked. Without a run
// directory there is nothing to lock, and the error is fs.ErrNotExist.
func (i *Instance) TryLock() error {
	if i.fleet.run == nil {
		return fs.ErrNotExist
	}
	return i.fleet.run.TryLock(i.name)
}

// MayLock says what TryLock would, and takes and makes nothing.
func (i *Instance) MayLock() error {
	if i.fleet.run == nil {
		return fs.ErrNotExist
	}
	return i.fleet.run.MayLock(i.name)
}

// AwaitLock gives what waits until nobody has the instance's lock, which was asked for:
// without bound, and to take nothing, see pidfile.Dir.
func (i *Instance) AwaitLock() (wait func() error, err error) { return i.fleet.run.AwaitLock(i.name) }

// Holder says who holds the instance's lock: its pid, 0 if that cannot be seen, and
// its command line; none if it runs another program than mgr.
func (i *Instance) Holder() (pid int, argv []string) {
	if i.fleet.run == nil {
		return 0, nil
	}
	if pid, argv = i.fleet.run.Holder(i.name); pid != 0 && !runsMgr(&i.fleet.Reader, pid) {
		argv = nil
	}
	return pid, argv
}

// Unlock gives up the instance's lock.
func (i *Instance) Unlock() {
	if i.fleet.run != nil {
		i.fleet.run.Unlock(i.name)
	}
}
