package manager

import (
	"fmt"

	"mgr/server"
)

// toStart gives the instances that have a conf, and says which programs have
// none.
func (s *starting) toStart(servers []*server.Server) []*server.Instance {
	m := s.m
	strict := m.strict(servers) || m.Options.Strict == nil && !anyInstance(servers) && !m.Options.Compat
	var todo []*server.Instance
	for _, srv := range servers {
		for _, err := range srv.Errs {
			m.problem(nil, "%s: %v", srv.Program.Name, err)
			s.failed = true
		}
		if srv.Deprecated != "" {
			m.deprecated(srv)
		}
		n, confs := len(todo), 0
		for _, i := range srv.Instances {
			if i.Orphan {
				continue
			}
			confs++
			if !s.skip[i] {
				todo = append(todo, i)
			}
		}
		if confs == 0 && len(srv.Errs) == 0 {
			s.refused++
			list := &m.warnings
			if strict && !m.Options.Compat {
				list, s.failed = &m.errors, true
			}
			if strict || m.Options.Compat || m.Options.Verbose {
				m.noConf(srv, list)
			}
		}
		if m.Options.Compat && s.compatRefuses(srv) {
			todo = todo[:n]
			s.refused++
		}
	}
	return todo
}

// unfound says which confs could not be looked at, and which programs have none
// though that is an error; Failed if there are any.
func (m *Manager) unfound(servers []*server.Server) int {
	status := OK
	for _, s := range servers {
		for _, err := range s.Errs {
			m.problem(nil, "%s: %v", s.Program.Name, err)
			status = Failed
		}
		if len(s.Errs) == 0 && m.misses(s, servers) {
			m.noConf(s, &m.errors)
			status = Failed
		}
	}
	return status
}

// noConf says that a program has no conf, or none of the number asked for, and
// adds that to the errors or the warnings.
func (m *Manager) noConf(srv *server.Server, list *[]string) {
	if len(srv.Program.Conf) == 0 && len(srv.Instances) > 0 {
		m.remark(list, "%s is not started: %s", srv.Instances[0].Process, orphaned(srv.Instances[0]))
	} else if m.Options.Number != 0 {
		m.noNumber(srv, list)
	} else {
		m.remark(list, "Unable to locate config for %s", srv.Program.Name)
	}
	m.foundConfs(srv)
}

// noNumber says that a program has fewer confs, or processes, than the number asked
// for. A restart finds that out twice, and tells it once.
func (m *Manager) noNumber(srv *server.Server, list *[]string) {
	text := fmt.Sprintf("Unable to locate config number %d for %s", m.Options.Number, srv.Program.Name)
	if !m.Options.Compat {
		text += " (" + thereAre(srv) + ")"
	}
	if m.warned[text] {
		*list = append(*list, text)
		return
	}
	m.warned[text] = true
	m.remark(list, "%s", text)
}

// thereAre says how many confs, or processes, there are to choose from.
func thereAre(srv *server.Server) string {
	n := len(srv.Confs)
	if len(srv.Program.Conf) == 0 {
		n = len(srv.Known)
	}
	switch n {
	case 0:
		return "there is none"
	case 1:
		return "there is 1"
	}
	return "there are " + itoa(n)
}

// foundConfs lists, at -v, the confs that there are.
func (m *Manager) foundConfs(srv *server.Server) {
	if len(srv.Confs) == 0 {
		return
	}
	m.note("Found configs:")
	for n, path := range srv.Confs {
		m.note("  %d) %s", n+1, path)
	}
}

// deprecated warns of a conf in a place that the profile calls deprecated.
func (m *Manager) deprecated(srv *server.Server) {
	p := srv.Program
	m.remark(&m.warnings, "WARNING: %s.conf is deprecated. Move %ss' configuration into %s.conf.",
		p.DeprecatedConf[0].Base, p.Name, p.Conf[0].Base)
	m.foundConfs(srv)
}
