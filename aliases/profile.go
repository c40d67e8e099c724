// Package aliases owns profiles and names: it reads a profile, and it turns the
// words that an operator types into the programs and confs that they mean.
//
// It touches no process and no file but the profile.
package aliases

import (
	_ "embed"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
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

// A Program is one named kind of daemon. Strings may hold %(name)s, which
// Expand fills in for an instance.
type Program struct {
	Name  string
	Type  string // Name without its last -part
	Group string // the first group that names it, or Name

	Command        []string    // words; the first is the command
	Optional       bool        // groups and globs pass over it where it is not installed
	Conf           []ConfEntry // where to look for confs, tried in order; none: one instance without a conf
	DeprecatedConf []ConfEntry // looked at last, with a warning
	NumProcs       int         // instances of a program without a conf
	FirstProc      int         // number of the first
	ProcessName    string      // what each is called
	Pidfile        string      // path, if not the run directory's mirror of the conf
	Forking        bool        // the command daemonizes, and writes the pidfile itself
	Match          string      // glob on the command line, or ""
	CheckCommand   []string    // tests the conf; nil: nothing does
	CheckAbsent    string      // glob on what CheckCommand writes where it knows no such test, or ""
	OnceArgs       []string    // words added for one pass; nil: cannot
	ConsoleArgs    []string    // words added in the foreground

	ConfFormat   string    // syntax of the confs: FormatINI, or "" if it is not known
	Address      Readiness // where it listens, "": where Ready has it
	Ready        Readiness
	ReadyWait    time.Duration // how long to wait until ready
	StartWait    time.Duration // how long it must live after its start to count as started
	StartRetries int           // how often to try again what died at its start
	ExitCodes    []int         // with which it ends well
	GroupOrder   int           // priority of its group, or its own
	Priority     int           // starts before those of a higher one, stops after them

	StopSignal     syscall.Signal
	StopWait       time.Duration  // between the last stop signal and giving up, or killing
	StopSteps      []StopStep     // a schedule that begins with StopSignal; nil: there is none
	StopGroup      bool           // the whole process group gets the stop signal
	GracefulSignal syscall.Signal // 0: none
	ReloadSignal   syscall.Signal // 0: none, reload restarts
	SeamlessSignal syscall.Signal // 0: none
	RetireSignal   syscall.Signal // for the old server once SeamlessSignal has made a new one; 0: it makes none
	SeamlessNotify string         // where it says, beside NOTIFY_SOCKET, how its re-execution goes, as /proc/net/unix shows it; "": nowhere

	User        string // "": the caller's
	UserGroup   string // "": the user's
	Umask       int
	Directory   string
	Nice        *int // nil: the caller's
	Environment []EnvVar
	Limits      []Limit

	StdoutLog LogFile
	StderrLog LogFile
	// RedirectStderr sends stderr where stdout goes.
	RedirectStderr bool

	killAlone bool              // killasgroup = false
	places    map[string]*Error // of keys, and of the section, ""
}

// A ConfEntry is one place of the conf tree, `object-server[object-expirer]`.
type ConfEntry struct {
	Base    string
	Section string
}

// A StopStep is one step of a stop: a signal, and how long to wait for the end
// before the next step.
type StopStep struct {
	Signal syscall.Signal
	Wait   time.Duration
}

// A LogFile says where the output of a program goes: a path, or one of the
// constants.
type LogFile string

// What a LogFile may be beside a path.
const (
	LogAuto LogFile = ""     // a temporary log, anew with each start
	LogNone LogFile = "NONE" // nowhere
)

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
	AtLeast  bool // a limit that is higher stays
}

// A Process is one of the instances of a program without a conf.
type Process struct {
	Num  int
	Name string
}

// Processes are the instances of a program without a conf, by number.
func (p *Program) Processes() []Process {
	list := make([]Process, 0, p.NumProcs)
	for n := p.FirstProc; n < p.FirstProc+p.NumProcs; n++ {
		name, err := Scope{prog: p, unit: Unit{Num: n}}.Expand(p.ProcessName)
		if err != nil {
			name = p.Name
		}
		list = append(list, Process{Num: n, Name: name})
	}
	return list
}

// Numbered says whether the program has instances that numbers tell apart.
func (p *Program) Numbered() bool { return len(p.Conf) == 0 && p.NumProcs > 1 }

// OwnPidfile says whether the server may write the pidfile itself, so that
// another process than the one before may take its place there.
func (p *Program) OwnPidfile() bool {
	return p.Forking || p.Pidfile != "" || p.Ready.Kind() == ReadyPidfile
}

// Complain makes an error about a key of the program that tells where the
// profile has it; "" is the program as a whole.
func (p *Program) Complain(key string, err error) *Error {
	at := p.place(key)
	at.Text = err.Error()
	if key != "" {
		at.Text = key + ": " + at.Text
	}
	return at
}

// place is where the profile has a key, or else the section.
func (p *Program) place(key string) *Error {
	at := p.places[key]
	if at == nil {
		at = p.places[""]
	}
	if at == nil {
		at = &Error{}
	}
	return &Error{File: at.File, Line: at.Line, Section: at.Section}
}

// PidfileName is the path of a process's pidfile, or its name below the run
// directory, for a program without a conf.
func (p *Profile) PidfileName(prog *Program, proc Process, env func(string) (string, bool)) (string, error) {
	switch {
	case prog.Pidfile != "":
		name, err := p.Scope(prog, Unit{Num: proc.Num}, env).Expand(prog.Pidfile)
		return path.Clean(name), err
	case prog.Numbered():
		return prog.Name + "/" + proc.Name + ".pid", nil
	}
	return prog.Name + ".pid", nil
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
	// Include gives the files that a pattern of [include] means, sorted; nil:
	// there is nothing to include.
	Include func(pattern string) ([]string, error)
	// Read reads an included file.
	Read func(path string) ([]byte, error)
}

// Load reads the profile and what it includes. The error is an Errors with
// everything that is wrong with it, or a *fs.PathError: what kept it from being
// read.
func Load(src Source) (*Profile, error) {
	if src.Path == "" {
		src.Path = BuiltinName
		return Parse(src, []byte(builtin))
	}
	data, err := readProfile(src.Path)
	if err != nil {
		return nil, &fs.PathError{Op: "profile", Path: src.Path, Err: cause(err)}
	}
	src.Include, src.Read = visible, readIncluded
	return Parse(src, data)
}

// visible is filepath.Glob without what is hidden, unless the pattern shows that
// it means that: backups and locks of editors lie beside the files that they
// belong to. Python's glob, which supervisord uses, does the same.
func visible(pattern string) ([]string, error) {
	paths, err := filepath.Glob(pattern)
	meant := strings.Split(filepath.Clean(pattern), "/")
	return slices.DeleteFunc(paths, func(path string) bool {
		for n, part := range strings.Split(filepath.Clean(path), "/") {
			if strings.HasPrefix(part, ".") && n < len(meant) && !strings.HasPrefix(meant[n], ".") {
				return true
			}
		}
		return false
	}), err
}

// cause drops the path of a *fs.PathError: the caller names it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// typeOf is a name without its last -part: object of object-server.
func typeOf(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i]
	}
	return name
}
