package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mgr/pidfile"
)

// Remove removes the pidfile if it still holds pid, 0 standing for a malformed
// one. The caller holds the lock.
func (i *Instance) Remove(pid int) error {
	dir, name, err := i.dir(pidfile.LeaveIt)
	if err != nil {
		return err
	}
	return dir.Remove(name, pid)
}

// MayRemove says what Remove would, as far as it can be told without doing it.
func (i *Instance) MayRemove(pid int) error {
	dir, name, err := i.dir(pidfile.LeaveIt)
	if err != nil {
		return err
	}
	return dir.MayRemove(name, pid)
}

// MayWrite says why the pidfile could not be written. What has yet to be made is no
// hindrance.
func (i *Instance) MayWrite() error {
	if i.Program.Forking {
		return nil
	}
	return i.MayAdopt()
}

// MayAdopt says why Adopt could not write the pidfile, also where the server writes it
// otherwise. What has yet to be made is no hindrance.
func (i *Instance) MayAdopt() error {
	dir, name, err := i.dir(pidfile.LeaveIt)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = dir.Writable(name)
	}
	return err
}

// Restore puts back the pidfile of a server that has ended, as rec has it, if there is
// none. The caller holds the lock.
func (i *Instance) Restore(rec pidfile.Record) error {
	f := i.Inspect()
	f.Process.Close()
	if f.State != pidfile.Stopped {
		if pidfile.Scarce(f.Err) { // it may not be there
			return f.Err
		}
		return nil
	}
	dir, name, err := i.dir(pidfile.MakeIt)
	if err != nil {
		return err
	}
	return dir.Restore(name, rec)
}

// Startable says what of the run directory, or of the command's file, would keep the
// instance from being started again, beside what Preflight finds. Nothing is touched.
func (i *Instance) Startable() error {
	if err := i.interpreted(); err != nil || i.Program.Forking {
		return err
	}
	dir, name, err := i.dir(pidfile.LeaveIt)
	if err == nil {
		err = dir.Writable(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pidfile: %w", err)
	}
	return nil
}

// TryPidfile says whether there is room for a pidfile. The caller holds the lock.
func (i *Instance) TryPidfile() error {
	if i.Program.Forking {
		return nil
	}
	dir, name, err := i.dir(pidfile.MakeIt)
	if err != nil {
		return err
	}
	return dir.Try(name)
}

// dir gives the open directory that the pidfile is in, and its name there.
func (i *Instance) dir(missing pidfile.Missing) (*pidfile.Dir, string, error) {
	if !filepath.IsAbs(i.name) {
		err := i.fleet.Open(missing)
		return i.fleet.run, i.name, err
	}
	path, name := filepath.Split(i.name)
	if dir := i.fleet.dirs[path]; dir != nil {
		return dir, name, nil
	}
	if missing == pidfile.MakeIt {
		if err := i.makeOwnDir(filepath.Clean(path)); err != nil {
			return nil, "", err
		}
	}
	dir, err := pidfile.Chase(path, missing)
	if err != nil {
		return nil, "", err
	}
	dir.Lines, dir.Reader = true, &i.fleet.Reader
	if i.fleet.dirs == nil {
		i.fleet.dirs = map[string]*pidfile.Dir{}
	}
	i.fleet.dirs[path] = dir
	return dir, name, nil
}

// makeOwnDir makes the directory of a pidfile that the server writes itself, and
// gives it to the server's user: /run is empty after each boot. It does so only
// below directories that are root's alone, where the path cannot be made to lead
// elsewhere.
func (i *Instance) makeOwnDir(path string) error {
	if !i.Program.Forking {
		return nil
	}
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	if err != nil || creds == nil || trusted(filepath.Dir(path)) != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o755); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.Lchown(path, creds.UID, creds.GID)
}
