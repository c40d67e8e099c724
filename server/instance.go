package server

import (
	"errors"
	"io/fs"
	"slices"

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
func (i *Instance) Inspect() pidfile.Finding {
	l := i.look()
	return l.inspect()
}

// A look inspects an instance without its fleet. It is a value, so that many
// cost no more than the memory of a few.
type look struct {
	dir   *pidfile.Dir
	name  string
	id    pidfile.Identity
	known *pidfile.Finding // what was found without a look; nil: nothing

	// Dir.Inspect, and Dir.Glance for those who can be left behind: it may never
	// come back.
	inspecting, glancing func(*pidfile.Dir, string, pidfile.Identity) pidfile.Finding
}

// look prepares what takes the fleet.
func (i *Instance) look() look {
	l := look{inspecting: (*pidfile.Dir).Inspect, glancing: (*pidfile.Dir).Glance}
	var err error
	if l.id, err = i.identity(); err != nil {
		l.known = &pidfile.Finding{State: pidfile.Unknown, Err: err}
		return l
	}
	l.dir, l.name, err = i.dir(pidfile.LeaveIt)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.known = &pidfile.Finding{State: pidfile.Stopped}
	case err != nil:
		l.known = &pidfile.Finding{State: pidfile.Unknown, Err: err}
	}
	return l
}

func (l *look) inspect() pidfile.Finding {
	if l.known != nil {
		return *l.known
	}
	return l.inspecting(l.dir, l.name, l.id)
}

func (l *look) glance() pidfile.Finding {
	if l.known != nil {
		return *l.known
	}
	return l.glancing(l.dir, l.name, l.id)
}

// leave says that a glance was left behind.
func (l *look) leave() {
	if l.dir != nil {
		l.dir.Leave()
	}
}

// Stray says whether f found the server's command running for another conf
// under a pid that no other pidfile of the run directory names: removing this
// pidfile would lose the only trace of that process. It is so when mgr is given
// the wrong conf directory, or when the server has given itself a title that the
// profile does not describe.
func (i *Instance) Stray(f pidfile.Finding) bool {
	var fe *pidfile.ForeignError
	if !errors.As(f.Err, &fe) {
		return false
	}
	if fe.Worker != 0 {
		return true // the server itself was seen: it is the worker's parent
	}
	if !fe.Same && !fe.Titled {
		return false
	}
	return !slices.ContainsFunc(i.fleet.naming(f.Record.PID), func(name string) bool {
		rec, err := i.fleet.run.Read(name) // it may have changed since
		return name != i.name && err == nil && rec.PID == f.Record.PID
	})
}

// naming gives the pidfiles of the run directory that named the process pid when all of
// them were read, which is done once.
func (f *Fleet) naming(pid int) []string {
	if f.named == nil {
		f.named = map[int][]string{}
		for _, name := range f.pids {
			if rec, err := f.run.Read(name); err == nil {
				f.named[rec.PID] = append(f.named[rec.PID], name)
			}
		}
	}
	return f.named[pid]
}
