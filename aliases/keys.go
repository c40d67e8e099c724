package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A setter puts the value of a key into a program, or says what is wrong with
// the value.
type setter func(p *Program, value string, scope Scope) error

// A row is one key of a program.
type row struct {
	set setter
	// each says that the value may differ between instances: its variables are
	// filled in for each of them.
	each bool
	// circular are variables that follow from this key.
	circular []string
	// empty says that an empty value means something of its own.
	empty bool
	// note says what of a value means nothing to mgr; "": all of it counts.
	note func(value string) string
}

// keys are the keys of a program, with supervisord's meaning wherever it has
// the key. The table is made when a profile is read: a stage reads none.
var keys = sync.OnceValue(func() map[string]row {
	return map[string]row{
		"command":             each(command(func(p *Program) *[]string { return &p.Command })),
		"optional":            {set: truth(func(p *Program) *bool { return &p.Optional })},
		"conf":                {set: entries(func(p *Program) *[]ConfEntry { return &p.Conf }), circular: []string{"conf", "conf_name", "pidfile"}},
		"deprecated_conf":     {set: entries(func(p *Program) *[]ConfEntry { return &p.DeprecatedConf }), circular: []string{"conf", "conf_name", "pidfile"}},
		"numprocs":            {set: integer(func(p *Program) *int { return &p.NumProcs }, 1, maxProcs), circular: []string{"numprocs", "process_num"}},
		"numprocs_start":      {set: integer(func(p *Program) *int { return &p.FirstProc }, 0, maxProcs), circular: []string{"process_num"}},
		"process_name":        {set: processName, each: true, circular: []string{"conf", "conf_name", "pidfile"}},
		"pidfile":             {set: template(func(p *Program) *string { return &p.Pidfile }), each: true, circular: []string{"pidfile"}},
		"forking":             {set: truth(func(p *Program) *bool { return &p.Forking })},
		"address":             each(address),
		"conf_format":         {set: confFormat},
		"match":               each(globKey(func(p *Program) *string { return &p.Match })),
		"checkcommand":        each(command(func(p *Program) *[]string { return &p.CheckCommand })),
		"checkcommand_absent": each(globKey(func(p *Program) *string { return &p.CheckAbsent })),
		"ready":               each(ready),
		"readywaitsecs":       {set: seconds(func(p *Program) *time.Duration { return &p.ReadyWait })},
		"startsecs":           {set: seconds(func(p *Program) *time.Duration { return &p.StartWait })},
		"startretries":        {set: integer(func(p *Program) *int { return &p.StartRetries }, 0, 1000)},
		"exitcodes":           {set: exitCodes, empty: true},
		"priority":            {set: integer(func(p *Program) *int { return &p.Priority }, -1e9, 1e9)},
		"stopsignal":          {set: stopSignal},
		"stopwaitsecs":        {set: seconds(func(p *Program) *time.Duration { return &p.StopWait })},
		"stopasgroup":         {set: truth(func(p *Program) *bool { return &p.StopGroup })},
		"killasgroup":         {set: killAsGroup, note: onKillAsGroup},
		"gracefulsignal":      {set: signal(func(p *Program) *syscall.Signal { return &p.GracefulSignal })},
		"reloadsignal":        {set: signal(func(p *Program) *syscall.Signal { return &p.ReloadSignal })},
		"seamlesssignal":      {set: seamlessSignal},
		"seamlessnotify":      each(seamlessNotify),
		"once_args":           each(words(func(p *Program) *[]string { return &p.OnceArgs })),
		"console_args":        each(words(func(p *Program) *[]string { return &p.ConsoleArgs })),
		"user":                {set: text(func(p *Program) *string { return &p.User })},
		"group":               {set: text(func(p *Program) *string { return &p.UserGroup })},
		"drops_to":            {set: text(func(p *Program) *string { return &p.DropsTo })},
		"umask":               {set: umask},
		"directory":           each(directory),
		"nice":                {set: nice},
		"environment":         each(environment),
		"environment_default": each(environmentDefault),
		"limit_nofile":        {set: limit("limit_nofile", unix.RLIMIT_NOFILE)},
		"limit_data":          {set: limit("limit_data", unix.RLIMIT_DATA)},
		"limit_nproc":         {set: limit("limit_nproc", unix.RLIMIT_NPROC)},
		"limit_core":          {set: limit("limit_core", unix.RLIMIT_CORE)},
		"stdout_logfile":      {set: logFile(func(p *Program) *LogFile { return &p.StdoutLog }), each: true, note: onLogFile},
		"stderr_logfile":      {set: logFile(func(p *Program) *LogFile { return &p.StderrLog }), each: true, note: onLogFile},
		"redirect_stderr":     {set: truth(func(p *Program) *bool { return &p.RedirectStderr })},

		"autostart":   {set: checked(parseBool), note: always("supervisord starts it by itself; mgr starts what it is told to")},
		"autorestart": {set: autorestart, note: always("mgr does not stay to see an end, and restarts nothing by itself")},

		"stdout_logfile_maxbytes": {set: checked(parseSize), note: always(noRotation)},
		"stderr_logfile_maxbytes": {set: checked(parseSize), note: always(noRotation)},
		"stdout_logfile_backups":  {set: checked(parseSize), note: always(noRotation)},
		"stderr_logfile_backups":  {set: checked(parseSize), note: always(noRotation)},
		"stdout_capture_maxbytes": {set: checked(parseSize), note: always(noEvents)},
		"stderr_capture_maxbytes": {set: checked(parseSize), note: always(noEvents)},
		"stdout_events_enabled":   {set: checked(parseBool), note: always(noEvents)},
		"stderr_events_enabled":   {set: checked(parseBool), note: always(noEvents)},
		"stdout_syslog":           {set: checked(parseBool), note: onSyslog},
		"stderr_syslog":           {set: checked(parseBool), note: onSyslog},
		"serverurl":               {set: func(*Program, string, Scope) error { return nil }, note: always("there is no server to talk to")},
	}
})

// maxProcs bounds numprocs: each is a process.
const maxProcs = 10000

func each(set setter) row { return row{set: set, each: true} }

// read sets the key, and gives what of the value means nothing.
func (r *row) read(p *Program, value string, scope Scope) (note string, err error) {
	scope.key = r
	if !r.each {
		if value, err = scope.Expand(value); err != nil {
			return "", err
		}
	}
	if err := r.set(p, value, scope); err != nil {
		return "", err
	}
	if r.note == nil {
		return "", nil
	}
	return r.note(value), nil
}

// refuses says why the value cannot refer to a variable, "" if it can.
func (r *row) refuses(name string) string {
	switch {
	case slices.Contains(r.circular, name):
		return "is a cycle: it follows from this key"
	case !r.each && slices.Contains([]string{"conf", "conf_name", "pidfile", "process_num"}, name):
		return "differs from instance to instance, this key does not"
	}
	return ""
}

// template keeps a text whose variables are filled in for each instance, once
// it is known that they exist.
func template(dst func(*Program) *string) setter {
	return func(p *Program, value string, scope Scope) error {
		bound, err := scope.bind(value)
		if err != nil {
			return err
		}
		*dst(p) = bound
		return nil
	}
}

// text keeps a text.
func text(dst func(*Program) *string) setter {
	return func(p *Program, value string, _ Scope) error {
		*dst(p) = value
		return nil
	}
}

// directory keeps an absolute path: mgr's own working directory is anybody's.
func directory(p *Program, value string, scope Scope) error {
	path, err := scope.Expand(value)
	if err == nil && !strings.HasPrefix(path, "/") && !strings.HasPrefix(value, "%(conf)s") && !strings.HasPrefix(value, "%(pidfile)s") {
		err = fmt.Errorf("%q is no absolute path", clip(value))
	}
	if err != nil {
		return err
	}
	p.Directory, err = scope.bind(value)
	return err
}

func truth(dst func(*Program) *bool) setter {
	return func(p *Program, value string, _ Scope) error {
		is, err := parseBool(value)
		if err == nil {
			*dst(p) = is
		}
		return err
	}
}

// parseBool reads what supervisord takes for true and false.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "true", "on", "1":
		return true, nil
	case "no", "false", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", clip(s))
}

func processName(p *Program, value string, scope Scope) error {
	name, err := scope.Expand(value)
	if err == nil && name == "" {
		err = errors.New("is empty")
	}
	if err != nil {
		return err
	}
	p.ProcessName, err = scope.bind(value)
	return err
}
