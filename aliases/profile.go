// Package aliases owns profiles and names: it reads a profile, and it turns the
// words that an operator types into the programs and confs that they mean.
//
// It touches no process and no file but the profile.
package aliases

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
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
	Programs []*Program
	Groups   []Group
}

// A Group is a name for several programs.
type Group struct {
	Name     string
	Programs []*Program // in profile order
}

// A Program is one named kind of daemon. Strings may hold %(name)s, which
// Expand fills in for an instance.
type Program struct {
	Name string
	Type string // Name without its last -part
	Line int    // where the profile names it

	Command        []string    // words; the first is the command
	Conf           []ConfEntry // where to look for confs, tried in order; none: one instance without a conf
	DeprecatedConf []ConfEntry // looked at last, with a warning
	Pidfile        string      // path, if not the run directory's mirror of the conf
	Match          string      // glob on the command line, or ""
	OnceArgs       []string    // words added for one pass; nil: cannot
	ConsoleArgs    []string    // words added in the foreground

	Ready     Readiness
	ReadyWait time.Duration // how long to wait until ready
	StartWait time.Duration // how long it must live after its start to count as started

	StopSignal     syscall.Signal
	StopWait       time.Duration  // between the stop signal and giving up, or killing
	GracefulSignal syscall.Signal // 0: none
	SeamlessSignal syscall.Signal // 0: none

	User        string // "": the caller's
	Group       string // "": the user's
	Umask       int
	Directory   string
	Nice        int
	Environment []EnvVar
	Limits      []Limit
}

// A ConfEntry is one place of the conf tree, `object-server[object-expirer]`.
type ConfEntry struct {
	Base    string
	Section string
}

// An EnvVar is one variable of a program's environment.
type EnvVar struct {
	Name, Value string
	Default     bool // the caller's value wins
}

// A Limit is one resource limit, setrlimit(2).
type Limit struct {
	Key      string // the profile's key: limit_nofile
	Resource int    // RLIMIT_*
	Value    uint64
}

// Installed says whether the program's command can be found; lookPath is
// exec.LookPath or like it.
func (p *Program) Installed(lookPath func(string) (string, error)) bool {
	_, err := lookPath(p.Command[0])
	return err == nil
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

// Program gives the program of that name, or nil; the -server may be missing
// where no program is called just so.
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

// A Source says where a profile comes from and what it may refer to.
type Source struct {
	Path string                      // "": the built-in profile
	Host string                      // name of this host
	Env  func(string) (string, bool) // as os.LookupEnv; nil: no variables
}

// maxProfile is the most that is read of a profile, in bytes.
const maxProfile = 1 << 20

// Load reads the profile. The error is an Errors with everything that is wrong
// with it, or a *fs.PathError: what kept it from being read. It may be a pipe.
func Load(src Source) (*Profile, error) {
	if src.Path == "" {
		src.Path = BuiltinName
		return Parse(src, []byte(builtin))
	}
	data, err := read(src.Path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &fs.PathError{Op: "profile", Path: src.Path, Err: err}
	}
	return Parse(src, data)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err == nil && len(data) > maxProfile {
		err = fmt.Errorf("larger than %d bytes", maxProfile)
	}
	return data, err
}

// typeOf is a name without its last -part: object of object-server.
func typeOf(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i]
	}
	return name
}
