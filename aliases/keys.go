package aliases

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"github.com/gobwas/glob"
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
		"command":             each(words(func(p *Program) *[]string { return &p.Command }, true)),
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
		"checkcommand":        each(words(func(p *Program) *[]string { return &p.CheckCommand }, true)),
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
		"once_args":           each(words(func(p *Program) *[]string { return &p.OnceArgs }, false)),
		"console_args":        each(words(func(p *Program) *[]string { return &p.ConsoleArgs }, false)),
		"user":                {set: text(func(p *Program) *string { return &p.User })},
		"group":               {set: text(func(p *Program) *string { return &p.UserGroup })},
		"umask":               {set: umask},
		"directory":           each(directory),
		"nice":                {set: nice},
		"environment":         each(environment(false)),
		"environment_default": each(environment(true)),
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

// words splits a command line as a shell does. Variables of the environment are
// filled in before, as supervisord does, so that one may hold several words; the
// others, paths among them, after.
func words(dst func(*Program) *[]string, required bool) setter {
	return func(p *Program, value string, scope Scope) error {
		if _, err := scope.Expand(value); err != nil {
			return err
		}
		value, err := scope.expand(value, func(name string) bool { return strings.HasPrefix(name, "ENV_") })
		if err != nil {
			return err
		}
		list, err := splitWords(value)
		if err != nil {
			return fmt.Errorf("%q: %w; what stands behind \" ;\" or \" #\" is a comment", clip(value), err)
		}
		if required && (len(list) == 0 || list[0] == "") {
			return errors.New("is empty")
		}
		for n := range list {
			if list[n], err = scope.bind(list[n]); err != nil {
				return err
			}
		}
		*dst(p) = list
		return nil
	}
}

func entries(dst func(*Program) *[]ConfEntry) setter {
	return func(p *Program, value string, _ Scope) error {
		var list []ConfEntry
		for _, word := range splitList(value) {
			entry, ok := parseEntry(word)
			if !ok {
				return fmt.Errorf("%q is no name, no path below the conf directory, and neither with a [section]", clip(word))
			}
			list = append(list, entry)
		}
		*dst(p) = list
		return nil
	}
}

// parseEntry reads name, name[section], or a path, whose parts may hold * and
// ?, in the place of the name. Names are the beginnings of names of files:
// nothing hidden, and nothing above the conf directory.
func parseEntry(word string) (ConfEntry, bool) {
	base, rest, narrowed := strings.Cut(word, "[")
	if base == "" || strings.ContainsAny(base, `]{}\`) {
		return ConfEntry{}, false
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(base, "/"), "/") {
		if part == "" || part[0] == '.' {
			return ConfEntry{}, false
		}
	}
	if !narrowed {
		return ConfEntry{Base: base}, true
	}
	section, closed := strings.CutSuffix(rest, "]")
	return ConfEntry{Base: base, Section: section}, closed && section != ""
}

// globKey keeps a glob on a whole text.
func globKey(dst func(*Program) *string) setter {
	return func(p *Program, value string, scope Scope) error {
		bound, err := scope.bind(value)
		if err != nil {
			return err
		}
		if _, err := CompileGlob(value); err != nil {
			return fmt.Errorf("%q: %w", clip(value), err)
		}
		*dst(p) = bound
		return nil
	}
}

// CompileGlob gives what says whether a whole text is as a glob of a profile has
// it; its variables are filled in already, by values that QuoteGlob has quoted.
func CompileGlob(text string) (matches func(string) bool, err error) {
	g, err := glob.Compile(text)
	if err != nil {
		return nil, err
	}
	return g.Match, nil
}

// QuoteGlob quotes what would mean something in a glob.
func QuoteGlob(s string) string { return glob.QuoteMeta(s) }

func seconds(dst func(*Program) *time.Duration) setter {
	return func(p *Program, value string, _ Scope) error {
		d, err := ParseSeconds(value)
		if err != nil {
			return err
		}
		*dst(p) = d
		return nil
	}
}

// ParseSeconds reads a number of seconds, 0 or more, fractions allowed.
func ParseSeconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) || f > 1e9 {
		return 0, fmt.Errorf("%q is no number of seconds, 0 or more", s)
	}
	return time.Duration(f * float64(time.Second)), nil
}

func signal(dst func(*Program) *syscall.Signal) setter {
	return func(p *Program, value string, _ Scope) error {
		sig, err := parseSignal(value)
		if err != nil {
			return err
		}
		*dst(p) = sig
		return nil
	}
}

func umask(p *Program, value string, _ Scope) error {
	n, err := strconv.ParseUint(value, 8, 12)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%q is no octal mode such as 022", value)
	}
	p.Umask = int(n)
	return nil
}

func nice(p *Program, value string, _ Scope) error {
	n, err := number(value, -20, 19)
	if err == nil {
		p.Nice = &n
	}
	return err
}

func integer(dst func(*Program) *int, least, most int) setter {
	return func(p *Program, value string, _ Scope) error {
		n, err := number(value, least, most)
		if err == nil {
			*dst(p) = n
		}
		return err
	}
}

func number(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is no number from %d to %d", clip(s), least, most)
	}
	return n, nil
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

func exitCodes(p *Program, value string, _ Scope) error {
	var codes []int
	for _, word := range splitList(value) {
		n, err := number(word, 0, 255)
		if err != nil {
			return err
		}
		codes = append(codes, n)
	}
	p.ExitCodes = codes
	return nil
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

// environment reads NAME="value",NAME2=value2. A value without quotes ends at a
// comma.
func environment(isDefault bool) setter {
	return func(p *Program, value string, scope Scope) error {
		for _, pair := range splitPairs(value) {
			name, text, ok := strings.Cut(pair, "=")
			name = strings.TrimSpace(name)
			if !ok || name == "" || strings.ContainsFunc(name, unprintable) || strings.ContainsAny(name, `"'`) {
				return fmt.Errorf("%q is not NAME=value", clip(pair))
			}
			text, err := unquote(text)
			if err != nil {
				return fmt.Errorf("value of %s: %w", name, err)
			}
			if text, err = scope.fix(text); err != nil {
				return err
			}
			p.Environment = append(p.Environment, EnvVar{Name: name, Value: text, Default: isDefault})
		}
		return nil
	}
}

// splitPairs splits at the commas that are not in quotes. Quotes are those that
// a value begins with.
func splitPairs(s string) []string {
	var quote, before rune // before: the last one that was no blank
	parts := strings.FieldsFunc(s, func(c rune) bool {
		switch {
		case quote == 0 && before == '=' && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		if !unicode.IsSpace(c) {
			before = c
		}
		return quote == 0 && c == ','
	})
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}

func limit(key string, resource int) setter {
	return func(p *Program, value string, _ Scope) error {
		n, err := parseSize(value)
		if err != nil {
			return err
		}
		p.Limits = slices.DeleteFunc(p.Limits, func(l Limit) bool { return l.Key == key })
		p.Limits = append(p.Limits, Limit{Key: key, Resource: resource, Value: n})
		return nil
	}
}

// parseSize reads a number with KB, MB, GB or nothing behind it, as supervisord
// does, or unlimited.
func parseSize(s string) (uint64, error) {
	if s == "unlimited" {
		return unix.RLIM_INFINITY, nil
	}
	num, shift := s, 0
	for n, suffix := range []string{"KB", "MB", "GB"} {
		if cut, ok := strings.CutSuffix(strings.ToUpper(s), suffix); ok {
			num, shift = cut, 10*(n+1)
		}
	}
	n, err := strconv.ParseUint(num, 10, 64)
	if err != nil || n<<shift>>shift != n {
		return 0, fmt.Errorf("%q is no size such as 8192, 512MB or unlimited", s)
	}
	return n << shift, nil
}
