package aliases

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"gopkg.in/ini.v1"
)

// base is what [supervisord] says for all programs: they inherit it from
// supervisord's own process.
type base struct{ Program }

// apply gives prog what it inherits.
func (b *base) apply(prog *Program) {
	if b.Directory != "" {
		prog.Directory = b.Directory
	}
	if b.places["umask"] != nil {
		prog.Umask = b.Umask
	}
	prog.User = b.User
	prog.Environment = append(prog.Environment, b.Environment...)
	prog.Limits = append(prog.Limits, b.Limits...)
	for key, at := range b.places {
		prog.places[key] = at
	}
}

// inherited are the keys of [supervisord] that mean something to programs.
func inherited() map[string]row {
	return map[string]row{
		"environment": each(environment),
		"umask":       {set: umask},
		"user":        {set: text(func(p *Program) *string { return &p.User })},
		"directory":   each(directory),
		"minfds":      {set: atLeast("limit_nofile", unix.RLIMIT_NOFILE)},
		"minprocs":    {set: atLeast("limit_nproc", unix.RLIMIT_NPROC)},
	}
}

// unused are the keys of [supervisord] that are about supervisord itself.
var unused = []string{"logfile", "logfile_maxbytes", "logfile_backups", "loglevel", "pidfile", "nodaemon", "silent",
	"nocleanup", "identifier", "strip_ansi"}

func atLeast(key string, resource int) setter {
	set := limit(key, resource)
	return func(p *Program, value string, scope Scope) error {
		err := set(p, value, scope)
		if err == nil {
			p.Limits[len(p.Limits)-1].AtLeast = true
		}
		return err
	}
}

// supervisord reads [supervisord].
func (r *reader) supervisord(s *source, section *ini.Section) {
	r.base.places = map[string]*Error{}
	table := inherited()
	known := append(append(sortedKeys(table), unused...), "childlogdir")
	for _, key := range section.Keys() {
		name, at := key.Name(), s.at(section.Name(), key.Name())
		row, is := table[name]
		switch {
		case is:
			r.base.places[name] = s.at(section.Name(), name)
			if _, err := row.read(&r.base.Program, valueOf(key), r.scope(s)); err != nil {
				r.fail(at, fmt.Errorf("%s: %w", name, err))
			}
		case name == "childlogdir":
			if err := r.childLogDir(s, valueOf(key)); err != nil {
				r.fail(at, fmt.Errorf("%s: %w", name, err))
			}
		case slices.Contains(unused, name):
			r.note(at, name+": is about supervisord itself")
		default:
			r.fail(at, unknownKey(name, known))
		}
	}
}

// childLogDir is where supervisord has the logs that it names itself.
func (r *reader) childLogDir(s *source, value string) error {
	dir, err := r.scope(s).Expand(value)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(dir, "/") {
		return fmt.Errorf("%q is no absolute path", clip(dir))
	}
	if r.profile.LogDir == "" {
		r.profile.LogDir = dir
	}
	return nil
}

// meaningless takes down a section that means nothing to mgr.
func (r *reader) meaningless(s *source, section *ini.Section) {
	r.note(s.at(section.Name(), ""), "the section means nothing to mgr, which has no process that stays")
}
