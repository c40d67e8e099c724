// Package server owns servers: which instances a program has on this machine,
// what the process of each must look like, how it is launched and when it is
// ready.
//
// It says nothing to the user and decides nothing about several servers: that
// is package manager's.
package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mgr/aliases"
	"mgr/conftree"
	"mgr/pidfile"
)

// A Fleet is the profile together with the roots that it is applied to.
type Fleet struct {
	Profile *aliases.Profile
	ConfDir string // absolute
	RunDir  string // absolute
	Env     []string

	run    *pidfile.Dir            // the run directory, once opened
	dirs   map[string]*pidfile.Dir // of pidfiles elsewhere, by path
	pids   []string                // what List found, once it did
	listed bool                    // pids is valid
	looks  map[string]*command     // by command word
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

// Open opens the run directory, which it makes if asked to. Without one there
// are no pidfiles: the error is fs.ErrNotExist.
func (f *Fleet) Open(make bool) error {
	if f.run != nil {
		return nil
	}
	open := pidfile.OpenDir
	if make {
		open = pidfile.MakeDir
	}
	dir, err := open(f.RunDir)
	if err != nil {
		return fmt.Errorf("run directory %q: %w", f.RunDir, cause(err))
	}
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
}

// Installed says whether there is anything to be done with a program: its
// command can be found, or a pidfile is there. What runs must be seen and
// stopped even if its package has been removed.
func (f *Fleet) Installed(p *aliases.Program) bool {
	words, err := f.words(p, p.Command[:1], "", "")
	if err == nil && f.look(words[0]).path != "" {
		return true
	}
	return f.list() == nil && slices.ContainsFunc(f.pids, func(name string) bool { return f.owner(name) == p })
}

// Servers gives the servers that targets select, each with its instances in
// conf order: one for every conf, and one for every pidfile whose conf is gone.
// number, if not 0, narrows each server to its number-th conf.
func (f *Fleet) Servers(targets []*aliases.Target, number int) ([]*Server, error) {
	if err := f.list(); err != nil {
		return nil, err
	}
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

// list reads the run directory, once.
func (f *Fleet) list() error {
	if f.listed {
		return nil
	}
	f.listed = true
	if err := f.Open(false); errors.Is(err, fs.ErrNotExist) {
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

func (f *Fleet) server(t *aliases.Target, number int) (*Server, error) {
	s := &Server{Program: t.Program, Named: t.Named, Narrowed: t.Narrowed()}
	if len(t.Program.Conf) == 0 {
		i, err := f.instance(t.Program, conftree.Conf{})
		if err != nil {
			return nil, err
		}
		i.Number = 1
		s.Instances = []*Instance{i}
		return s, nil
	}
	confs, known, err := f.confs(s, t)
	if err != nil {
		return nil, err
	}
	for n, c := range confs {
		i, err := f.instance(t.Program, c)
		if err != nil {
			return nil, err
		}
		i.Number = n + 1
		s.Instances = append(s.Instances, i)
	}
	if err := f.addOrphans(s, t); err != nil {
		return nil, err
	}
	s.Known = known
	s.Unknown = missing(t.Confs(), s.Instances)
	if number != 0 {
		s.Instances = slices.DeleteFunc(s.Instances, func(i *Instance) bool { return i.Number != number })
	}
	return s, nil
}

// confs finds the confs of a program that the target wants: of the first entry
// that has any, the deprecated entries last.
func (f *Fleet) confs(s *Server, t *aliases.Target) (wanted []conftree.Conf, known []string, err error) {
	find := func(entries []aliases.ConfEntry) error {
		for _, e := range entries {
			found, err := conftree.Find(f.ConfDir, conftree.Search{Base: e.Base, Section: e.Section})
			var se *conftree.SectionError
			if errors.As(err, &se) {
				s.Errs = append(s.Errs, err)
			} else if err != nil {
				return err
			}
			for _, c := range found {
				known = append(known, c.Name)
				if t.Wants(c.Name) {
					wanted = append(wanted, c)
					s.Confs = append(s.Confs, c.Path)
				}
			}
			if len(wanted) > 0 {
				return nil
			}
		}
		return nil
	}
	if err := find(t.Program.Conf); err != nil || len(wanted) > 0 || len(s.Errs) > 0 {
		return wanted, known, err // a conf that cannot be read may be the one
	}
	err = find(t.Program.DeprecatedConf)
	if len(wanted) > 0 {
		s.Deprecated = wanted[0].Path
	}
	return wanted, known, err
}

// addOrphans adds an instance for every pidfile of the program that belongs to
// none of the confs that exist: its server may well run.
func (f *Fleet) addOrphans(s *Server, t *aliases.Target) error {
	have := map[string]bool{}
	for _, i := range s.Instances {
		have[i.name] = true
	}
	search := conftree.Search{Base: t.Program.Conf[0].Base}
	if t.Program.Pidfile != "" {
		return nil // they are where the profile says, not where the run directory is searched
	}
	for _, name := range f.pids {
		if have[name] || f.owner(name) != t.Program {
			continue
		}
		c, ok := search.FromPidfile(f.ConfDir, t.Program.Name, name)
		if !ok || !t.Wants(c.Name) {
			continue
		}
		i, err := f.instance(t.Program, c)
		if err != nil {
			return err
		}
		i.Orphan = !exists(i.Conf)
		s.Instances = append(s.Instances, i)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// owner is the program that a pidfile belongs to: the one with the longest name
// that the pidfile's begins with.
func (f *Fleet) owner(name string) *aliases.Program {
	var owner *aliases.Program
	for _, p := range f.Profile.Programs {
		if strings.HasPrefix(name, p.Name) && (owner == nil || len(p.Name) > len(owner.Name)) {
			owner = p
		}
	}
	return owner
}

// instance makes the instance of p with conf c, the zero Conf for a program
// without confs. Its pidfile is where the profile says, or mirrors the conf.
func (f *Fleet) instance(p *aliases.Program, c conftree.Conf) (*Instance, error) {
	i := &Instance{Program: p, Conf: c.Path, fleet: f}
	switch {
	case p.Pidfile != "":
		words, err := f.words(p, []string{p.Pidfile}, c.Path, "")
		if err != nil {
			return nil, err
		}
		i.name = filepath.Clean(words[0])
	case c.Path == "":
		i.name = p.Name + ".pid"
	default:
		i.name = c.Pidfile(p.Name)
		i.alt = f.alternatives(p, i)
	}
	i.Pidfile = i.name
	if !filepath.IsAbs(i.name) {
		i.Pidfile = filepath.Join(f.RunDir, i.name)
	}
	return i, nil
}

// alternatives gives the other confs that map to the pidfile of i: a server
// that was started with the deprecated conf is still the server.
func (f *Fleet) alternatives(p *aliases.Program, i *Instance) []string {
	var alt []string
	for _, e := range slices.Concat(p.Conf, p.DeprecatedConf) {
		c, ok := conftree.Search{Base: e.Base}.FromPidfile(f.ConfDir, p.Name, i.name)
		if ok && c.Path != i.Conf {
			alt = append(alt, c.Path)
		}
	}
	return alt
}

// missing gives the names that no instance has.
func missing(names []string, have []*Instance) []string {
	var out []string
	for _, name := range names {
		if !slices.ContainsFunc(have, func(i *Instance) bool { return i.confName() == name }) {
			out = append(out, name)
		}
	}
	return out
}

func (i *Instance) confName() string {
	base := filepath.Base(i.Conf)
	if name, ok := strings.CutSuffix(base, ".conf.d"); ok {
		return name
	}
	return strings.TrimSuffix(base, ".conf")
}
