package conftree

import (
	"path/filepath"
	"strings"
)

// Pidfile gives the name, below the run directory, of the pidfile of program
// with this conf: the conf's place in the tree, with the program's name instead
// of the search's at its beginning, and .pid for .conf.
//
//	object-server/1.conf   of object-auditor: object-auditor/1.pid
//	object-server/1.conf.d of object-auditor: object-auditor/1.pid.d
//
// A conf that a pattern found has its name below the program's.
func (c Conf) Pidfile(program string) string {
	if c.pattern {
		return program + "/" + c.Name + pidExt
	}
	name := program + strings.TrimPrefix(c.Rel, c.Base)
	if rest, ok := strings.CutSuffix(name, dirExt); ok {
		return rest + pidExt + ".d"
	}
	return strings.TrimSuffix(name, confExt) + pidExt
}

// FromPidfile is the way back: the conf below root that the pidfile name of
// program belongs to, if s were what found it. The conf need not exist. It
// gives false for a name that is no pidfile of program, or no clean path below
// the run directory.
func (s Search) FromPidfile(root, program, name string) (Conf, bool) {
	rest, ok := strings.CutPrefix(name, program)
	if !ok || filepath.Clean(name) != name || !filepath.IsLocal(name) {
		return Conf{}, false
	}
	if s.pattern() {
		return s.named(root, rest)
	}
	rel, ok := strings.CutSuffix(rest, pidExt)
	ext := confExt
	if !ok {
		rel, ok = strings.CutSuffix(rest, pidExt+".d")
		ext = dirExt
	}
	if !ok {
		return Conf{}, false
	}
	rel = s.Base + rel + ext
	return Conf{Path: filepath.Join(root, rel), Rel: rel, Name: s.name(rel), Base: s.Base}, true
}

// Label is what the conf's own file is called, without its extension, and for
// one that a pattern found its name.
func (c Conf) Label() string {
	switch {
	case c.pattern:
		return c.Name
	case c.Path == "":
		return ""
	}
	return stem(filepath.Base(c.Path))
}
