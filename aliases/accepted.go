package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// This file is about what supervisord has and mgr does without: what it accepts
// so that a supervisord.conf can be used as it is, and what it says about it.

const (
	noRotation = "mgr rotates no logs: logrotate can, with copytruncate"
	noEvents   = "mgr does not read what a server writes"
)

func always(text string) func(string) string { return func(string) string { return text } }

// checked refuses a value that parse does not understand, and keeps none.
func checked[T any](parse func(string) (T, error)) setter {
	return func(_ *Program, value string, _ Scope) error {
		_, err := parse(value)
		return err
	}
}

func autorestart(_ *Program, value string, _ Scope) error {
	if strings.EqualFold(value, "unexpected") {
		return nil
	}
	if _, err := parseBool(value); err != nil {
		return fmt.Errorf("%q is none of true, false and unexpected", clip(value))
	}
	return nil
}

func killAsGroup(p *Program, value string, _ Scope) error {
	is, err := parseBool(value)
	p.killAlone = err == nil && !is
	return err
}

func onKillAsGroup(value string) string {
	if is, _ := parseBool(value); is {
		return ""
	}
	return "mgr leaves nothing of a server behind that it has to kill"
}

func onSyslog(value string) string {
	if is, _ := parseBool(value); !is {
		return ""
	}
	return "mgr does not stay to pass output on to syslog"
}

// ownStreams are the paths by which a process opens its own output.
var ownStreams = []string{"/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2"}

// logFile keeps a path, or one of the names that supervisord has for no path.
func logFile(dst func(*Program) *LogFile) setter {
	return func(p *Program, value string, scope Scope) error {
		switch strings.ToLower(value) {
		case "auto":
			*dst(p) = LogAuto
			return nil
		case "none", "off", "syslog", "/dev/null":
			*dst(p) = LogNone
			return nil
		case "":
			return errors.New("is empty: it takes a path, AUTO or NONE")
		}
		if slices.Contains(ownStreams, value) {
			*dst(p) = LogAuto
			return nil
		}
		bound, err := scope.bind(value)
		if err != nil {
			return err
		}
		*dst(p) = LogFile(bound)
		return nil
	}
}

func onLogFile(value string) string {
	switch {
	case strings.EqualFold(value, "syslog"):
		return onSyslog("true")
	case slices.Contains(ownStreams, value):
		return "mgr does not stay: only in the foreground a server has mgr's own output"
	}
	return ""
}
