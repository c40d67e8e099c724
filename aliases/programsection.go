package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/ini.v1"
)

// program reads one [program:NAME] on top of [defaults].
func (r *reader) program(s *source, section *ini.Section, name string) {
	at := s.at(section.Name(), "")
	if err := checkName(name); err != nil {
		r.fail(at, err)
		return
	}
	if name == "all" {
		r.fail(at, errors.New(`"all" is the group of all programs`))
	}
	prog := r.blank(name)
	prog.places[""] = at
	broken := s.broken[section.Name()]
	undone := r.undone(s, section)
	if len(undone) > 0 { // what is wrong in [defaults] is wrong all the same
		r.inherit(r.blank(name), s, nil)
	}
	broken = r.inherit(prog, s, undone) || broken
	r.keys(prog, s, section, undone)
	if len(prog.Command) == 0 && prog.places["command"] == nil && !broken {
		r.fail(at, errors.New("no command"))
	}
	r.profile.Programs = append(r.profile.Programs, prog)
}

// blank is a program before its own keys are read: it has the defaults of keys, and
// what [supervisord] says for all.
func (r *reader) blank(name string) *Program {
	prog := defaultProgram(name)
	prog.places = make(map[string]*Error, 24)
	r.base.apply(prog)
	return prog
}

// An entry is a key of a section as it stands there.
type entry struct {
	name, value string
	row         *row // nil: there is no such key
	at          *Error
}

// place is at, to be made an error of.
func (e entry) place() *Error {
	at := *e.at
	return &at
}

// entries gives the keys of a section, the environment first, since others may
// refer to it. Those of [defaults] are asked for by every program.
func (r *reader) entries(s *source, section *ini.Section) []entry {
	if list, ok := r.seen[section]; ok {
		return list
	}
	var list []entry
	for _, key := range section.Keys() {
		e := entry{name: key.Name(), value: valueOf(key), at: s.at(section.Name(), key.Name())}
		if row, ok := keys()[e.name]; ok {
			e.row = &row
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b entry) int { return rank(a.name) - rank(b.name) })
	if r.seen == nil {
		r.seen = map[*ini.Section][]entry{}
	}
	r.seen[section] = list
	return list
}

// keys reads the keys of a section into prog, but for those that are undone.
func (r *reader) keys(prog *Program, s *source, section *ini.Section, undone map[string]bool) {
	in := Profile{File: s.scanner.file, Host: r.profile.Host}
	scope := in.Scope(prog, Unit{}, r.getenv)
	for _, e := range r.entries(s, section) {
		if e.row == nil {
			r.fail(e.place(), unknownKey(e.name, sortedKeys(keys())))
			continue
		}
		if undone[e.name] {
			continue
		}
		prog.places[e.name] = e.at
		scope.own = rank(e.name) != 0 // what is being read is not there yet
		note, err := e.row.read(prog, e.value, scope)
		switch {
		case err != nil:
			r.fail(e.place(), fmt.Errorf("%s: %w", e.name, err))
		case note != "":
			r.note(e.place(), e.name+": "+note)
		}
	}
}

func rank(key string) int {
	if strings.HasPrefix(key, "environment") {
		return 0
	}
	return 1
}
