package aliases

import (
	"errors"
	"math"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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
	DropsTo     string // the user that it becomes by itself, "": none is known
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
		list = append(list, p.Process(n))
	}
	return list
}

// Process is the instance of that number, whether there is one or not.
func (p *Program) Process(num int) Process {
	name, err := Scope{prog: p, unit: Unit{Num: num}}.Expand(p.ProcessName)
	if err != nil {
		name = p.Name
	}
	return Process{Num: num, Name: name}
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

// typeOf is a name without its last -part: object of object-server.
func typeOf(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i]
	}
	return name
}

// defaultProgram has supervisord's defaults, but for stopwaitsecs.
func defaultProgram(name string) *Program {
	return &Program{
		Name:         name,
		Type:         typeOf(name),
		Group:        name,
		NumProcs:     1,
		ProcessName:  "%(program_name)s",
		ReadyWait:    60 * time.Second,
		StartWait:    time.Second,
		StartRetries: 3,
		ExitCodes:    []int{0},
		GroupOrder:   unordered,
		Priority:     999,
		StopSignal:   unix.SIGTERM,
		StopWait:     15 * time.Second,
		Umask:        0o022,
		Directory:    "/",
	}
}

// unordered is the GroupOrder of a program until it is known.
const unordered = math.MinInt

// finish sets and checks what depends on several keys of a program at once.
func (p *Program) finish() (key string, err error) {
	if n := len(p.StopSteps); n > 0 && p.StopSteps[n-1].Wait < 0 {
		p.StopSteps[n-1].Wait = p.StopWait
	}
	if p.Ready == "" {
		p.Ready = ReadyStarted
		if p.Forking {
			p.Ready = ReadyPidfile
		}
	}
	if p.GroupOrder == unordered {
		p.GroupOrder = p.Priority
	}
	switch {
	case p.SeamlessNotify != "" && p.RetireSignal != 0:
		return "seamlessnotify", errors.New("a successor has a pid of its own: with two signals in seamlesssignal its pidfile tells")
	case p.StopGroup && p.killAlone:
		return "killasgroup", errors.New("false contradicts stopasgroup")
	case p.Forking && p.Ready.Kind() == ReadyStdoutClose:
		return "ready", errors.New("a program that is forking closes its stdout before its server is there: use pidfile")
	case p.Ready.Kind() == ReadyStdoutClose && p.StdoutLog != LogAuto:
		return "stdout_logfile", errors.New("with ready = stdout-close stdout goes to mgr, until it is closed")
	case p.NumProcs > 1 && len(p.Conf)+len(p.DeprecatedConf) > 0:
		return "numprocs", errors.New("a program with confs has one process for each conf")
	case p.NumProcs > 1 && !strings.Contains(p.ProcessName, "%(process_num)"):
		return "numprocs", errors.New("process_name has to hold %(process_num)d, to tell the processes apart")
	}
	for _, proc := range p.Processes() {
		if err := checkName(proc.Name); err != nil {
			return "process_name", err
		}
	}
	return "", nil
}
