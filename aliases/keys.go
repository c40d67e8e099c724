package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwas/glob"
	"github.com/google/shlex"
	"golang.org/x/sys/unix"
)

// A setter puts the value of a key into a program, or says what is wrong with
// the value.
type setter func(p *Program, value string, scope Scope) error

// keys are the keys of a program, with supervisord's meaning wherever it has
// the key.
var keys = map[string]setter{
	"command":             words(func(p *Program) *[]string { return &p.Command }, true),
	"conf":                entries(func(p *Program) *[]ConfEntry { return &p.Conf }),
	"deprecated_conf":     entries(func(p *Program) *[]ConfEntry { return &p.DeprecatedConf }),
	"pidfile":             template(func(p *Program) *string { return &p.Pidfile }),
	"match":               match,
	"ready":               ready,
	"readywaitsecs":       seconds(func(p *Program) *time.Duration { return &p.ReadyWait }),
	"startsecs":           seconds(func(p *Program) *time.Duration { return &p.StartWait }),
	"stopsignal":          signal(func(p *Program) *syscall.Signal { return &p.StopSignal }),
	"stopwaitsecs":        seconds(func(p *Program) *time.Duration { return &p.StopWait }),
	"gracefulsignal":      signal(func(p *Program) *syscall.Signal { return &p.GracefulSignal }),
	"seamlesssignal":      signal(func(p *Program) *syscall.Signal { return &p.SeamlessSignal }),
	"once_args":           words(func(p *Program) *[]string { return &p.OnceArgs }, false),
	"console_args":        words(func(p *Program) *[]string { return &p.ConsoleArgs }, false),
	"user":                template(func(p *Program) *string { return &p.User }),
	"group":               template(func(p *Program) *string { return &p.Group }),
	"umask":               umask,
	"directory":           directory,
	"nice":                nice,
	"environment":         environment(false),
	"environment_default": environment(true),
	"limit_nofile":        limit("limit_nofile", unix.RLIMIT_NOFILE),
	"limit_data":          limit("limit_data", unix.RLIMIT_DATA),
	"limit_nproc":         limit("limit_nproc", unix.RLIMIT_NPROC),
	"limit_core":          limit("limit_core", unix.RLIMIT_CORE),
}

// defaultProgram has supervisord's defaults.
func defaultProgram(name string) *Program {
	return &Program{
		Name:       name,
		Type:       typeOf(name),
		Ready:      ReadyStarted,
		ReadyWait:  60 * time.Second,
		StartWait:  time.Second,
		StopSignal: unix.SIGTERM,
		StopWait:   15 * time.Second,
		Umask:      0o022,
		Directory:  "/",
	}
}

// template keeps a text whose variables are filled in for each instance, once
// it is known that they exist.
func template(dst func(*Program) *string) setter {
	return func(p *Program, value string, scope Scope) error {
		if _, err := scope.Expand(value); err != nil {
			return err
		}
		*dst(p) = value
		return nil
	}
}

// directory keeps an absolute path: mgr's own working directory is anybody's.
func directory(p *Program, value string, scope Scope) error {
	path, err := scope.Expand(value)
	if err == nil && !strings.HasPrefix(path, "/") && !strings.HasPrefix(value, "%(") {
		err = fmt.Errorf("%q is no absolute path", value)
	}
	if err != nil {
		return err
	}
	p.Directory = value
	return nil
}

func words(dst func(*Program) *[]string, required bool) setter {
	return func(p *Program, value string, scope Scope) error {
		list, err := shlex.Split(value)
		if err != nil {
			return fmt.Errorf("%q: a quote is not closed; what stands behind \" ;\" or \" #\" is a comment", clip(value))
		}
		if required && (len(list) == 0 || list[0] == "") {
			return errors.New("is empty")
		}
		for _, word := range list {
			if _, err := scope.Expand(word); err != nil {
				return err
			}
		}
		*dst(p) = list
		return nil
	}
}

func entries(dst func(*Program) *[]ConfEntry) setter {
	return func(p *Program, value string, scope Scope) error {
		value, err := scope.Expand(value)
		if err != nil {
			return err
		}
		var list []ConfEntry
		for _, word := range splitList(value) {
			entry, ok := parseEntry(word)
			if !ok {
				return fmt.Errorf("%q is no name and no name[section]", clip(word))
			}
			list = append(list, entry)
		}
		*dst(p) = list
		return nil
	}
}

// parseEntry reads name or name[section]. Names are the beginnings of names of
// files: no path and nothing hidden.
func parseEntry(word string) (ConfEntry, bool) {
	base, rest, narrowed := strings.Cut(word, "[")
	if base == "" || base[0] == '.' || strings.ContainsAny(base, "/]") {
		return ConfEntry{}, false
	}
	if !narrowed {
		return ConfEntry{Base: base}, true
	}
	section, closed := strings.CutSuffix(rest, "]")
	return ConfEntry{Base: base, Section: section}, closed && section != ""
}

func match(p *Program, value string, scope Scope) error {
	if _, err := scope.Expand(value); err != nil {
		return err
	}
	if _, err := glob.Compile(value); err != nil {
		return fmt.Errorf("%q: %w", value, err)
	}
	p.Match = value
	return nil
}

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

// parseSignal reads TERM, SIGTERM or 15.
func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n >= 1 && n <= 64 {
			return syscall.Signal(n), nil
		}
		return 0, fmt.Errorf("there is no signal %d", n)
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("there is no signal %q", s)
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
	n, err := strconv.Atoi(value)
	if err != nil || n < -20 || n > 19 {
		return fmt.Errorf("%q is no niceness from -20 to 19", value)
	}
	p.Nice = n
	return nil
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
			parts, err := shlex.Split(text)
			if err != nil || len(parts) > 1 || strings.HasPrefix(strings.TrimSpace(text), "#") {
				return fmt.Errorf("value of %s: quote it", name)
			}
			text = strings.Join(parts, "")
			if _, err := scope.Expand(text); err != nil {
				return err
			}
			p.Environment = append(p.Environment, EnvVar{Name: name, Value: text, Default: isDefault})
		}
		return nil
	}
}

// splitPairs splits at the commas that are not in quotes.
func splitPairs(s string) []string {
	var quote rune
	parts := strings.FieldsFunc(s, func(c rune) bool {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
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
