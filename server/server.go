// Package server owns servers: which instances a program has on this machine,
// what the process of each must look like, how it is launched, when it is ready,
// where its output goes, and what keeps it from being started.
//
// It prints nothing and decides nothing about several servers: that is package
// manager's. How a process is identified and signalled is package pidfile's.
//
// Launching needs the help of package main: mgr starts itself again with StageEnv set,
// and main has to hand over to Stage then, before it does anything else.
package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"mgr/aliases"
	"mgr/conftree"
	"mgr/pidfile"
)

// A Fleet is the profile together with the roots that it is applied to.
type Fleet struct {
	Profile *aliases.Profile
	ConfDir string // absolute
	RunDir  string // absolute
	TempDir string // where logs go that have no other place; "": nowhere
	Env     []string
	Reader  pidfile.Reader // of all processes

	run      *pidfile.Dir            // the run directory, once opened
	dirs     map[string]*pidfile.Dir // of pidfiles elsewhere, by path
	pids     []string                // what List found, once it did
	listed   bool                    // pids is valid
	unlisted error                   // why it is not
	named    map[int][]string        // those of pids that hold a pid, by that, once they were read
	owned    map[*aliases.Program][]string
	looks    map[string]*command // by command word
	creds    map[[2]string]*credentials
	finds    map[conftree.Search]find
	null     *os.File        // /dev/null, once opened
	census   *pidfile.Census // of all processes, once it was taken
	waited   time.Duration   // for other mgrs to give names up
}

// devNull gives a descriptor of /dev/null.
func (f *Fleet) devNull() (uintptr, error) {
	if f.null == nil {
		file, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return 0, err
		}
		f.null = file
	}
	return f.null.Fd(), nil
}

// A find is what a search of the conf tree came to.
type find struct {
	confs []conftree.Conf
	err   error
}

// find searches the conf tree, once for all programs that share a place in it.
func (f *Fleet) find(s conftree.Search) ([]conftree.Conf, error) {
	found, ok := f.finds[s]
	if !ok {
		found.confs, found.err = conftree.Find(f.ConfDir, s)
		if f.finds == nil {
			f.finds = map[conftree.Search]find{}
		}
		f.finds[s] = found
	}
	return found.confs, found.err
}

// A Server is one program and those of its instances that were asked for.
type Server struct {
	Program   *aliases.Program
	Named     bool // the operator named the program itself
	Narrowed  bool // the operator named confs of it
	Instances []*Instance
	// Errs are the confs that could not be read where their sections matter.
	Errs []error
	// Deprecated is the conf, if any, that was found in a place that the
	// profile calls deprecated.
	Deprecated string
	// Unknown are conf names that were asked for and that neither a conf nor a
	// pidfile has; Known those that there are.
	Unknown, Known []string
	// Confs are the paths of all confs of the program that were found, in order.
	Confs []string
}

// Open opens the run directory. Where it is neither there nor to be made there are
// no pidfiles: the error is fs.ErrNotExist.
func (f *Fleet) Open(missing pidfile.Missing) error {
	if f.run != nil {
		return nil
	}
	open := pidfile.OpenDir
	if missing == pidfile.MakeIt {
		open = pidfile.MakeDir
	}
	dir, err := open(f.RunDir)
	if err != nil {
		return fmt.Errorf("run directory %q: %w", f.RunDir, cause(err))
	}
	dir.Reader = &f.Reader
	f.run = dir
	return nil
}

// cause drops the path of a *fs.PathError: the caller names it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Close closes the run directory and gives up all locks.
func (f *Fleet) Close() {
	if f.run != nil {
		f.run.Close()
		f.run = nil
	}
	for _, dir := range f.dirs {
		dir.Close()
	}
	f.dirs = nil
	if f.null != nil {
		f.null.Close()
		f.null = nil
	}
}

// Installed says whether there is anything to be done with a program: its
// command can be found, or a pidfile is there. What runs must be seen and
// stopped even if its package has been removed.
func (f *Fleet) Installed(p *aliases.Program) bool {
	words, err := f.words(p, p.Command[:1], aliases.Unit{})
	if err == nil && f.look(words[0]).path != "" {
		return true
	}
	if f.list() != nil {
		return false
	}
	return len(f.pidsOf(p)) > 0 || f.differs(p) && f.someInstalled(p)
}

// differs says whether instances have commands of their own: php-fpm8.1, php-fpm8.2.
func (f *Fleet) differs(p *aliases.Program) bool {
	none, err := f.words(p, p.Command[:1], aliases.Unit{})
	some, err2 := f.words(p, p.Command[:1], aliases.Unit{Conf: "/", ConfName: "/", Pidfile: "/", Num: 1})
	return err == nil && err2 == nil && none[0] != some[0]
}

// someInstalled says whether the command of some instance can be found. Of none it
// cannot be told, which is for the search for confs to say.
func (f *Fleet) someInstalled(p *aliases.Program) bool {
	s, err := f.whole(p)
	if err != nil || len(s.Instances) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Instances, func(i *Instance) bool {
		_, _, err := i.Command()
		return err == nil
	})
}

// Servers gives the servers that targets select, each with its instances in
// conf order: one for every conf, and one for every pidfile whose conf is gone, or whose number
// is one too many.
// number, if not 0, narrows each server to its number-th conf.
func (f *Fleet) Servers(targets []*aliases.Target, number int) ([]*Server, error) {
	// A goroutine reads the run directory while this one searches the conf tree, which
	// knows nothing of it: each takes a moment for each instance.
	listed := make(chan error, 1)
	go func() { listed <- f.list() }()
	servers, err := f.servers(targets, number)
	if err := <-listed; err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	for n, t := range targets {
		if err := f.complete(servers[n], t, number); err != nil {
			return nil, err
		}
	}
	return servers, shared(servers)
}

// servers gives the server of each target, as far as the conf tree tells.
func (f *Fleet) servers(targets []*aliases.Target, number int) ([]*Server, error) {
	var servers []*Server
	for _, t := range targets {
		s, err := f.server(t, number)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// whole gives the server with all instances of a program. The run directory has been
// read.
func (f *Fleet) whole(p *aliases.Program) (*Server, error) {
	t := aliases.Whole(p)
	s, err := f.server(t, 0)
	if err != nil {
		return nil, err
	}
	return s, f.complete(s, t, 0)
}

// shared refuses two instances with one pidfile.
func shared(servers []*Server) error {
	n := 0
	for _, s := range servers {
		n += len(s.Instances)
	}
	owner := make(map[string]*Instance, n)
	for _, s := range servers {
		for _, i := range s.Instances {
			if other := owner[i.Pidfile]; other != nil {
				return i.Program.Complain("pidfile", fmt.Errorf("%q would be that of %s (%s) and of %s (%s)",
					i.Pidfile, other, other.Conf, i, i.Conf))
			}
			owner[i.Pidfile] = i
		}
	}
	return nil
}

// list reads the run directory, once, and says each time what is wrong with it. That
// the caller may not look into it is for the look at each instance to tell.
func (f *Fleet) list() error {
	if !f.listed {
		f.listed = true
		f.unlisted = f.readRunDir()
	}
	return f.unlisted
}

func (f *Fleet) readRunDir() error {
	if err := f.Open(pidfile.LeaveIt); errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	} else if err != nil {
		return err
	}
	var names []string
	for _, p := range f.Profile.Programs {
		names = append(names, p.Name)
	}
	var err error
	f.pids, err = f.run.List(names)
	return err
}
