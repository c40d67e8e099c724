package aliases

import (
	"errors"
	"fmt"

	"gopkg.in/ini.v1"
)

func (r *reader) group(s *source, section *ini.Section, name string) {
	at := s.at(section.Name(), "")
	if err := checkName(name); err != nil {
		r.fail(at, err)
		return
	}
	if prog := r.profile.exact(name); prog != nil {
		r.fail(at, fmt.Errorf("%q is the program of line %d", name, prog.place("").Line))
	}
	g := Group{Name: name}
	order := unordered
	for _, key := range section.Keys() {
		at := s.at(section.Name(), key.Name())
		switch key.Name() {
		case "programs":
			g.Programs = r.members(at, valueOf(key))
		case "priority":
			var err error
			if order, err = number(valueOf(key), -1e9, 1e9); err != nil {
				r.fail(at, fmt.Errorf("priority: %w", err))
			}
		default:
			r.fail(at, unknownKey(key.Name(), []string{"priority", "programs"}))
		}
	}
	if len(g.Programs) == 0 && !s.broken[section.Name()] && !r.failed(section.Name()) {
		r.fail(at, errors.New("a group without programs"))
	}
	for _, prog := range g.Programs {
		if prog.Group == prog.Name {
			prog.Group = name
			prog.GroupOrder = order
		}
	}
	r.profile.Groups = append(r.profile.Groups, g)
}

// members are the programs that a group names, in the order of the profile.
func (r *reader) members(at *Error, list string) []*Program {
	in := map[*Program]bool{}
	for _, word := range splitList(list) {
		prog := r.profile.Program(word)
		if prog == nil {
			each := *at
			r.fail(&each, fmt.Errorf("programs: there is no program %q%s", clip(word), Suggest(word, r.profile.Names())))
		}
		in[prog] = true
	}
	var programs []*Program
	for _, prog := range r.profile.Programs {
		if in[prog] {
			programs = append(programs, prog)
		}
	}
	return programs
}
