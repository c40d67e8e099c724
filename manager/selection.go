package manager

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"mgr/aliases"
	"mgr/server"
)

// selected turns words into the servers of a command, or says what is wrong with them.
func (m *Manager) selected(cmd Command, words []string) ([]*server.Server, int) {
	targets, errs := m.Fleet.Profile.Expand(aliases.Selection{
		Words:     words,
		Except:    m.Options.Except,
		Installed: m.Fleet.Installed,
		Absent:    cmd.absent,
	})
	for _, err := range errs {
		m.problem(nil, "%v", err)
	}
	if len(errs) > 0 && !m.Options.Compat {
		return nil, Usage
	}
	if len(targets) == 0 {
		if len(errs) == 0 {
			m.problem(nil, "no server is left: --except takes out all of them")
		}
		return nil, Usage
	}
	servers, err := m.Fleet.Servers(targets, m.Options.Number)
	if err != nil {
		m.problem(nil, "%v", err)
		if errors.Is(err, fs.ErrPermission) {
			m.Console.Hint("run it as root, or as the user that owns the directory")
		}
		return nil, Usage
	}
	if status := m.noConfDir(servers); status != OK {
		return nil, status
	}
	return servers, m.unknownConfs(servers)
}

// noConfDir complains about a conf directory that is not there, unless there
// are pidfiles: what runs must be seen and stopped without its confs.
func (m *Manager) noConfDir(servers []*server.Server) int {
	needed := slices.ContainsFunc(servers, func(s *server.Server) bool { return len(s.Program.Conf) > 0 })
	if !needed || m.Options.Compat || anyInstance(servers) {
		return OK
	}
	if _, err := os.Stat(m.Fleet.ConfDir); err != nil {
		m.problem(nil, "conf directory %q: %v", m.Fleet.ConfDir, cause(err))
		m.Console.Hint("name another with --conf-dir or $MGR_CONF_DIR")
		return Usage
	}
	return OK
}

// unknownConfs complains about confs that were named and that neither a file
// nor a pidfile has, unless another server of a group or glob has them.
func (m *Manager) unknownConfs(servers []*server.Server) int {
	if m.Options.Compat {
		return OK
	}
	status := OK
	for _, s := range servers {
		if len(s.Unknown) == 0 || !s.Named && anyInstance(servers) {
			continue
		}
		names, what := strings.Join(s.Unknown, ","), "conf"
		if s.Program.Numbered() {
			what = "process"
		}
		m.problem(nil, "%q: there is no %s %q%s", s.Program.Name+"."+names, what, names, known(s.Known))
		status = Usage
	}
	narrowed := slices.ContainsFunc(servers, func(s *server.Server) bool { return s.Narrowed })
	if status == OK && narrowed && !anyInstance(servers) {
		m.problem(nil, "%s: no conf matches", strings.Join(m.words, " "))
		status = Usage
	}
	return status
}

func anyInstance(servers []*server.Server) bool {
	return slices.ContainsFunc(servers, func(s *server.Server) bool { return len(s.Instances) > 0 })
}

func known(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	if len(names) == 0 {
		return ", nor any other that has a name"
	}
	more := ""
	if len(names) > 8 {
		names, more = names[:8], ", …"
	}
	return " (there are: " + strings.Join(names, ", ") + more + ")"
}

// strict says whether a missing conf is an error: as asked for, or if every
// server was named itself.
func (m *Manager) strict(servers []*server.Server) bool {
	if m.Options.Strict != nil {
		return *m.Options.Strict
	}
	return !slices.ContainsFunc(servers, func(s *server.Server) bool { return !s.Named })
}
