package server

import (
	"slices"
	"strings"
)

// session are the variables that belong to the caller's session and not to a
// server: a name, or the beginning of one that ends in a star.
var session = []string{
	"SSH_*", "SUDO_*", "DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_*", "XDG_RUNTIME_DIR",
	"TMUX*", "STY", "SHLVL", "OLDPWD", "_", "NOTIFY_SOCKET", "LISTEN_*",
	"MGR_CONF_DIR", "MGR_RUN_DIR", "MGR_PROFILE", StageEnv,
	"MGR_ENABLED", "MGR_SERVER_NAME", "MGR_GROUP_NAME", pidfileEnv,
}

// pidfileEnv tells a server which pidfile is its own, and whoever finds it running
// without one.
const pidfileEnv = "MGR_PIDFILE"

func ofSession(name string) bool {
	return slices.ContainsFunc(session, func(pattern string) bool {
		prefix, glob := strings.CutSuffix(pattern, "*")
		return name == pattern || glob && strings.HasPrefix(name, prefix)
	})
}

// environment is the caller's, less what belongs to the caller's session, plus
// what tells a program who it is, plus the profile's: later ones go before
// earlier ones.
func (i *Instance) environment(s *stage) ([]string, error) {
	e := environ{at: map[string]int{}}
	e.set(pidfileEnv, i.Pidfile) // first: of a long environment only the beginning is read later
	for _, pair := range i.fleet.Env {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok || ofSession(name):
		case name == "PWD": // the caller's would be wrong
			e.set(name, s.Chdir)
		default:
			e.set(name, value)
		}
	}
	e.set("MGR_ENABLED", "1")
	e.set("MGR_SERVER_NAME", i.Process)
	e.set("MGR_GROUP_NAME", i.Program.Group)
	for _, v := range i.Program.Environment {
		if v.Default && e.has(v.Name) {
			continue
		}
		value, err := i.fleet.words(i.Program, []string{v.Value}, i.unit())
		if err != nil {
			return nil, err
		}
		e.set(v.Name, value[0])
	}
	return e.pairs, nil
}

// An environ is an environment that is being made.
type environ struct {
	pairs []string
	at    map[string]int
}

func (e *environ) has(name string) bool { _, ok := e.at[name]; return ok }

func (e *environ) set(name, value string) {
	pair := name + "=" + value
	if n, ok := e.at[name]; ok {
		e.pairs[n] = pair
		return
	}
	e.at[name] = len(e.pairs)
	e.pairs = append(e.pairs, pair)
}

// takeProcs moves the variable procsEnv from the environment of the stage, which has
// one of its own, to what the stage gives to the server.
func (s *stage) takeProcs(env []string) []string {
	return slices.DeleteFunc(env, func(pair string) bool {
		is := strings.HasPrefix(pair, procsEnv+"=")
		if is {
			s.Procs = pair
		}
		return is
	})
}
