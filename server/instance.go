package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mgr/aliases"
	"mgr/conftree"
	"mgr/pidfile"
)

// An Instance is one program with one conf: what has a pidfile.
type Instance struct {
	Program *aliases.Program
	Process string // what supervisord would call it: the name of the program, or of one of its processes
	Conf    string // absolute path; "" for a program without confs
	Number  int    // position among the confs of the program, from 1
	Orphan  bool   // there is a pidfile, but no such conf any more
	Pidfile string // absolute path

	fleet    *Fleet
	name     string          // the pidfile below the run directory, or its path if elsewhere
	alt      []conftree.Conf // other confs that this pidfile may belong to
	called   []string        // what the operator may call it
	confName string
	num      int
	log      string // the log that has no other name, below its directory, without .log
}

// unit is what tells the instance from others.
func (i *Instance) unit() aliases.Unit {
	return aliases.Unit{Conf: i.Conf, ConfName: i.confName, Pidfile: i.Pidfile, Num: i.num}
}

// String is the name that the operator knows the program by.
func (i *Instance) String() string { return i.Program.Name }

// Label is a short name that tells the instance from others of its program:
// object-server/1, or the name of its process.
func (i *Instance) Label() string {
	if i.confName == "" || i.confName == i.Program.Name {
		return i.Process
	}
	return i.Program.Name + "/" + i.confName
}

// Names are what the operator may call the instance behind its program's name:
// the name of its conf, or the name and the number of its process. The conf of an
// object-server.conf has the name "".
func (i *Instance) Names() []string { return i.called }

// Inspect looks at the pidfile and the process behind it. The caller closes
// the process of a running instance.
func (i *Instance) Inspect() pidfile.Finding { return i.look()() }

// look prepares what takes the fleet, and gives what then inspects without it.
func (i *Instance) look() func() pidfile.Finding {
	id, err := i.identity()
	if err != nil {
		return func() pidfile.Finding { return pidfile.Finding{State: pidfile.Unknown, Err: err} }
	}
	dir, name, err := i.dir(pidfile.LeaveIt)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() pidfile.Finding { return pidfile.Finding{State: pidfile.Stopped} }
	case err != nil:
		return func() pidfile.Finding { return pidfile.Finding{State: pidfile.Unknown, Err: err} }
	}
	return func() pidfile.Finding { return dir.Inspect(name, id) }
}

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
	dir, name, err := i.dir(pidfile.LeaveIt)
	if errors.Is(err, fs.ErrNotExist) || i.Program.Forking {
		return nil
	}
	if err == nil {
		err = dir.Writable(name)
	}
	return err
}

// Restore puts back the pidfile of a server that has ended, with pid in it, if
// there is none. The caller holds the lock.
func (i *Instance) Restore(pid int) error {
	if f := i.Inspect(); f.State != pidfile.Stopped {
		f.Process.Close()
		return nil
	}
	dir, name, err := i.dir(pidfile.MakeIt)
	if err != nil {
		return err
	}
	return dir.Write(name, pid)
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
	dir.Lines = true
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

// Startable says what of the run directory would keep the instance from being
// started again, beside what Preflight finds. Nothing is touched.
func (i *Instance) Startable() error {
	if i.Program.Forking {
		return nil
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

// Lock waits for the instance's lock, without bound.
func (i *Instance) Lock() error { return i.fleet.run.Lock(i.name) }

// Holder says who holds the instance's lock: its pid, 0 if that cannot be seen,
// and its command line.
func (i *Instance) Holder() (pid int, argv []string) {
	if i.fleet.run == nil {
		return 0, nil
	}
	return i.fleet.run.Holder(i.name)
}

// Unlock gives up the instance's lock.
func (i *Instance) Unlock() {
	if i.fleet.run != nil {
		i.fleet.run.Unlock(i.name)
	}
}

// Stray says whether f found the server's command running for another conf
// under a pid that no other pidfile of the run directory names: removing this
// pidfile would lose the only trace of that process. It is so when mgr is given
// the wrong conf directory.
func (i *Instance) Stray(f pidfile.Finding) bool {
	var fe *pidfile.ForeignError
	if !errors.As(f.Err, &fe) {
		return false
	}
	if fe.Worker != 0 {
		return true // the server itself was seen: it is the worker's parent
	}
	if !fe.Same {
		return false
	}
	for _, name := range i.fleet.pids {
		if name == i.name {
			continue
		}
		if rec, err := i.fleet.run.Read(name); err == nil && rec.PID == f.Record.PID {
			return false
		}
	}
	return true
}

// Left gives handles on the workers that a server left behind whose pidfile
// holds rec and that has ended. The caller closes them.
func (i *Instance) Left(rec pidfile.Record) ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil {
		return nil, err
	}
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	return tree.Left(rec, id), nil
}

// alone says whether id describes this instance and no other: its conf is among
// the arguments. A pattern, or arguments that any other server may begin with as
// well, are no ground to look for processes that no pidfile names.
func (i *Instance) alone(id pidfile.Identity) bool {
	return i.Conf != "" && id.Match == nil && !id.Edited
}

// Orphans gives handles on workers of i that init has adopted, whatever group
// they are in. The caller closes them.
func (i *Instance) Orphans() ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil || !i.alone(id) {
		return nil, err
	}
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	return tree.Orphans(id), nil
}

// Copies gives handles on all processes that show the command line of i: the
// server, its workers, and those that no pidfile names. The caller closes them.
func (i *Instance) Copies() ([]*pidfile.Process, error) {
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	return i.CopiesIn(tree)
}

// CopiesIn is Copies in a snapshot that was taken just now.
func (i *Instance) CopiesIn(tree *pidfile.Tree) ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil || !i.alone(id) {
		return nil, err
	}
	return tree.Matching(id), nil
}
