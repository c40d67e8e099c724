package server

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mgr/aliases"
	"mgr/conftree"
)

// server gives the server that a target selects, without those of its instances
// that only a pidfile tells of.
func (f *Fleet) server(t *aliases.Target, number int) (*Server, error) {
	s := &Server{Program: t.Program, Named: t.Named, Narrowed: t.Narrowed()}
	if len(t.Program.Conf) == 0 {
		return s, f.processes(s, t, number)
	}
	confs, known, err := f.confs(s, t)
	if err != nil {
		return nil, err
	}
	s.Known = known
	s.Instances = make([]*Instance, len(confs))
	all := make([]Instance, len(confs)) // in one piece, there may be thousands
	for n, c := range confs {
		i := &all[n]
		if err := f.instance(i, t.Program, c); err != nil {
			return nil, err
		}
		i.Number = n + 1
		s.Instances[n] = i
	}
	return s, nil
}

// complete adds to a server the instances that only a pidfile tells of; those have no
// number.
func (f *Fleet) complete(s *Server, t *aliases.Target, number int) error {
	add := f.addOrphans
	if len(t.Program.Conf) == 0 {
		add = f.addExtra
	}
	if err := add(s, t); err != nil {
		return err
	}
	s.Unknown = missing(t.Confs(), s.Instances)
	if number != 0 {
		s.Instances = slices.DeleteFunc(s.Instances, func(i *Instance) bool { return i.Number != number })
	}
	return nil
}

// processes gives s the instances of a program without confs.
func (f *Fleet) processes(s *Server, t *aliases.Target, number int) error {
	for n, proc := range t.Program.Processes() {
		s.Known = append(s.Known, proc.Name)
		if !t.Wants(proc.Name, strconv.Itoa(proc.Num)) || number != 0 && number != n+1 {
			continue
		}
		i, err := f.process(t.Program, proc)
		if err != nil {
			return err
		}
		i.Number = n + 1
		s.Instances = append(s.Instances, i)
	}
	return nil
}

// confs finds the confs of a program that the target wants: of the first entry
// that has any, the deprecated entries last.
func (f *Fleet) confs(s *Server, t *aliases.Target) (wanted []conftree.Conf, known []string, err error) {
	find := func(entries []aliases.ConfEntry) error {
		for _, e := range entries {
			found, err := f.find(conftree.Search{Base: e.Base, Section: e.Section})
			var se *conftree.SectionError
			if errors.As(err, &se) {
				s.Errs = append(s.Errs, err)
			} else if err != nil {
				return err
			}
			known = slices.Grow(known, len(found))
			for _, c := range found {
				known = append(known, c.Name)
			}
			wanted = wantedOf(t, found)
			s.Confs = slices.Grow(s.Confs, len(wanted))
			for _, c := range wanted {
				s.Confs = append(s.Confs, c.Path)
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

// wantedOf gives those of confs that the target wants: mostly all of them, as they
// are.
func wantedOf(t *aliases.Target, confs []conftree.Conf) []conftree.Conf {
	unwanted := func(c conftree.Conf) bool { return !t.Wants(c.Name) }
	if !slices.ContainsFunc(confs, unwanted) {
		return confs
	}
	return slices.DeleteFunc(slices.Clone(confs), unwanted)
}

// addOrphans adds an instance for every pidfile of the program that belongs to
// none of the confs that exist: its server may well run.
func (f *Fleet) addOrphans(s *Server, t *aliases.Target) error {
	have := make(map[string]bool, len(s.Instances))
	for _, i := range s.Instances {
		have[i.name] = true
	}
	search := conftree.Search{Base: t.Program.Conf[0].Base}
	for _, m := range f.mirrored(t.Program) {
		if have[m.name] {
			continue
		}
		c, ok := search.FromPidfile(f.ConfDir, t.Program.Name, m.as)
		if !ok || !t.Wants(c.Name) {
			continue
		}
		i := new(Instance)
		if err := f.instance(i, t.Program, c); err != nil {
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

// process makes the instance of a program without confs.
func (f *Fleet) process(p *aliases.Program, proc aliases.Process) (*Instance, error) {
	name, err := f.Profile.PidfileName(p, proc, f.getenv)
	if err != nil {
		return nil, err
	}
	return f.processAt(p, proc, name), nil
}

func (f *Fleet) processAt(p *aliases.Program, proc aliases.Process, name string) *Instance {
	i := &Instance{Program: p, Process: proc.Name, fleet: f, name: name, num: proc.Num, log: p.Name}
	i.called = []string{proc.Name, strconv.Itoa(proc.Num)}
	if p.Numbered() {
		i.log = p.Name + "/" + proc.Name
	}
	i.place()
	return i
}

// instance makes i the instance of p with conf c. Its pidfile is where the profile
// says, or mirrors the conf.
func (f *Fleet) instance(i *Instance, p *aliases.Program, c conftree.Conf) error {
	*i = Instance{Program: p, Conf: c.Path, Process: p.Name, fleet: f, confName: c.Label(), called: []string{c.Name}, num: p.FirstProc}
	i.name = c.Pidfile(p.Name)
	i.log = strings.TrimSuffix(i.name, ".pid")
	if p.Pidfile == "" {
		i.alt = f.alternatives(p, i)
		i.place()
		return nil
	}
	words, err := f.words(p, []string{p.Pidfile}, i.unit())
	if err != nil {
		return err
	}
	i.name = filepath.Clean(words[0])
	i.place()
	return nil
}

// place finds where the pidfile is.
func (i *Instance) place() {
	i.Pidfile = i.name
	if !filepath.IsAbs(i.name) {
		i.Pidfile = join(i.fleet.RunDir, i.name)
	}
}

// join is filepath.Join of a clean directory and a clean name.
func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// alternatives gives the other confs that map to the pidfile of i: a server
// that was started with the deprecated conf is still the server.
func (f *Fleet) alternatives(p *aliases.Program, i *Instance) []conftree.Conf {
	if len(p.Conf)+len(p.DeprecatedConf) == 1 {
		return nil // the conf was found by that one
	}
	var alt []conftree.Conf
	for _, e := range slices.Concat(p.Conf, p.DeprecatedConf) {
		c, ok := conftree.Search{Base: e.Base}.FromPidfile(f.ConfDir, p.Name, i.name)
		if ok && c.Path != i.Conf {
			alt = append(alt, c)
		}
	}
	return alt
}

// missing gives the names that no instance has.
func missing(names []string, have []*Instance) []string {
	var out []string
	for _, name := range names {
		if !slices.ContainsFunc(have, func(i *Instance) bool { return slices.Contains(i.called, name) }) {
			out = append(out, name)
		}
	}
	return out
}
