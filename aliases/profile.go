// Package aliases owns profiles and names: it reads a profile, and it turns the
// words that an operator types into the programs and confs that they mean.
//
// It knows nothing of processes, of pidfiles or of which confs there are: what is
// installed it is told, and a Target says by name which confs are wanted. It reads
// no file but the profile and what that includes, and not even those in Parse.
// Which libraries parse INI files and match globs is its own affair.
//
// Reading stops at no error: an Errors has all of them, each with its line. A value
// whose variables differ from instance to instance is kept as it was written, and
// filled in through a Scope.
package aliases

import (
	_ "embed"
	"slices"
)

//go:embed swift.ini
var builtin string

// BuiltinName is how messages call the profile that is compiled in.
const BuiltinName = "swift.ini (built in)"

// Builtin is the text of the built-in profile: OpenStack Swift.
func Builtin() string { return builtin }

// A Profile is a family of programs and the names for them.
type Profile struct {
	File     string // where it was read from
	Host     string // name of this host, %(host_node_name)s
	ConfDir  string // root of the conf tree
	RunDir   string // root of the pidfiles
	LogDir   string // root of the logs; "": there is none
	Programs []*Program
	Groups   []Group
	// Notes are the keys and sections that were accepted and that mean nothing
	// to mgr, most of them since it has no process that stays.
	Notes Errors
}

// A Group is a name for several programs.
type Group struct {
	Name     string
	Programs []*Program // in profile order
}

// Group gives the group of that name, or nil. `all` always exists.
func (p *Profile) Group(name string) *Group {
	for i := range p.Groups {
		if p.Groups[i].Name == name {
			return &p.Groups[i]
		}
	}
	if name == "all" {
		return &Group{Name: "all", Programs: p.Programs}
	}
	return nil
}

// Program gives the program of that name, or nil. The -server at its end may be left
// out, unless another program has just that name.
func (p *Profile) Program(name string) *Program {
	if prog := p.exact(name); prog != nil {
		return prog
	}
	return p.exact(name + "-server")
}

func (p *Profile) exact(name string) *Program {
	i := slices.IndexFunc(p.Programs, func(prog *Program) bool { return prog.Name == name })
	if i < 0 {
		return nil
	}
	return p.Programs[i]
}

// Names are all that an operator may name: groups, then programs.
func (p *Profile) Names() []string {
	names := []string{"all"}
	for _, g := range p.Groups {
		if g.Name != "all" {
			names = append(names, g.Name)
		}
	}
	for _, prog := range p.Programs {
		names = append(names, prog.Name)
	}
	return names
}
