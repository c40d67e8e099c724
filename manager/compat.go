package manager

import (
	"mgr/pidfile"
	"mgr/server"
)

// This file is what swift-init mode does otherwise: exit statuses of 0 and 1,
// counted by program and not by instance, and the words that go with them. The
// rules are swift-init's (swift/common/manager.py), as far as README does not
// list a difference.

// compatStatus is swift-init's status: a program runs if any of its instances
// does.
func (m *Manager) compatStatus(servers []*server.Server) int {
	status := OK
	for _, s := range servers {
		running := 0
		for _, i := range s.Instances {
			f := i.Inspect()
			f.Process.Close()
			m.found(i, f)
			if f.State == pidfile.Running {
				m.Console.Say("%s running (%d - %s)", i, f.Record.PID, subject(i))
				running++
			}
		}
		if running == 0 {
			status = Failed
			m.compatNotRunning(s)
		}
	}
	return status
}

func (m *Manager) compatNotRunning(s *server.Server) {
	if m.Options.Number == 0 {
		m.Console.Say("No %s running", s.Program.Name)
		return
	}
	if len(s.Instances) == 0 {
		m.noConf(s, &m.errors)
	}
	for _, i := range s.Instances {
		m.Console.Say("%s #%d not running (%s)", i, m.Options.Number, subject(i))
	}
}

// compatKill is swift-init's kill: a failed stop counts only if something still
// runs, which it finds out by status, words and all.
func (m *Manager) compatKill(s *stopping, servers []*server.Server) int {
	if s.compat() == OK {
		return OK
	}
	m.compatStatus(servers)
	for _, t := range s.targets {
		if !t.gone {
			return Failed
		}
	}
	if s.failed {
		return Failed
	}
	return OK
}

// compatRefuses says whether swift-init would not start anything of a program
// because some of it runs, having said so. Its start is an all or nothing for
// each program, unless --config-num picks one conf.
func (s *starting) compatRefuses(srv *server.Server) bool {
	m := s.m
	running := false
	for _, i := range srv.Instances {
		f := i.Inspect()
		f.Process.Close()
		if f = m.foreseen(i, f); f.State == pidfile.Running {
			m.found(i, f)
			where := subject(i)
			if i.Orphan {
				where = i.Pidfile
			}
			m.Console.Say("%s running (%d - %s)", i, f.Record.PID, where)
			running = true
		}
	}
	if running {
		s.already[srv.Program] = true
	}
	return running
}
