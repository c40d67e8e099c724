package aliases

import (
	"slices"
)

// A Target is one program that the operator's words select, and which of its
// confs.
type Target struct {
	Program *Program
	// Named says that a word named the program itself, not a group or a glob.
	Named bool

	only   []pattern // which confs; none: all
	except []pattern // which not
	whole  bool      // some word asked for all
}

// Whole is the target of all that a program has.
func Whole(p *Program) *Target { return &Target{Program: p, whole: true} }

// Wants says whether the conf of that name is selected, or the process that
// goes by any of names; "" is a conf without a name of its own, such as the flat
// object-server.conf.
func (t *Target) Wants(names ...string) bool {
	if slices.ContainsFunc(names, func(name string) bool { return anyMatches(t.except, name) }) {
		return false
	}
	return t.whole || slices.ContainsFunc(names, func(name string) bool { return anyMatches(t.only, name) })
}

// Confs are the conf names that words asked for literally, if the target is
// narrowed to some.
func (t *Target) Confs() []string {
	if t.whole {
		return nil
	}
	var names []string
	for _, p := range t.only {
		if p.match == nil && !slices.Contains(names, p.text) {
			names = append(names, p.text)
		}
	}
	return names
}

// Narrowed says that only some confs were asked for, by name or by glob.
func (t *Target) Narrowed() bool { return !t.whole }

// empty says that every conf that was asked for is excepted again.
func (t *Target) empty() bool {
	return !t.whole && !slices.ContainsFunc(t.only, func(p pattern) bool {
		return p.match != nil || !anyMatches(t.except, p.text)
	})
}
