package server

import (
	"errors"
	"io/fs"

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
	Orphan  bool   // there is a pidfile, but no such conf any more, or numprocs is less by now
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
func (i *Instance) Inspect() pidfile.Finding { return i.look().inspect() }

// A look inspects an instance without its fleet.
type look struct {
	inspect func() pidfile.Finding
	glance  func() pidfile.Finding // for those who can be left behind: it may never come back
	leave   func()                 // says that a glance was left behind
}

// look prepares what takes the fleet.
func (i *Instance) look() look {
	id, err := i.identity()
	if err != nil {
		return found(pidfile.Finding{State: pidfile.Unknown, Err: err})
	}
	dir, name, err := i.dir(pidfile.LeaveIt)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return found(pidfile.Finding{State: pidfile.Stopped})
	case err != nil:
		return found(pidfile.Finding{State: pidfile.Unknown, Err: err})
	}
	return look{
		func() pidfile.Finding { return dir.Inspect(name, id) },
		func() pidfile.Finding { return dir.Glance(name, id) },
		dir.Leave,
	}
}

// only is the look of those who want no handle.
func (l look) only() look {
	without := func(see func() pidfile.Finding) func() pidfile.Finding {
		return func() pidfile.Finding {
			f := see()
			f.Process.Close()
			f.Process = nil
			return f
		}
	}
	return look{without(l.inspect), without(l.glance), l.leave}
}

// found is the look at what is known already.
func found(f pidfile.Finding) look {
	known := func() pidfile.Finding { return f }
	return look{known, known, func() {}}
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
