package manager

import (
	"context"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"mgr/server"
)

// list prints what the names resolve to. It touches nothing.
func (m *Manager) list(_ context.Context, servers []*server.Server) int {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { w.Write([]byte(printable(strings.Join(cells, "\t")) + "\n")) }
	row("SERVER", "CONF", "PIDFILE", "COMMAND")
	status := OK
	for _, s := range servers {
		for _, err := range s.Errs {
			m.problem(nil, "%s: %v", s.Program.Name, err)
			status = Failed
		}
		for _, i := range s.Instances {
			path, _, err := i.Command()
			if err != nil {
				path = err.Error()
			}
			m.result(i).Command = path
			row(s.Program.Name, m.below(m.Fleet.ConfDir, i.Conf), m.below(m.Fleet.RunDir, i.Pidfile), path)
		}
		if len(s.Instances) == 0 && m.strict(servers) {
			m.noConf(s)
			status = Failed
		}
	}
	w.Flush()
	m.Console.Say("conf directory %s, run directory %s", m.Fleet.ConfDir, m.Fleet.RunDir)
	if !m.Options.JSON {
		m.Console.Print(b.String())
	}
	return status
}

// below shortens a path to what it is below root, where it is.
func (m *Manager) below(root, path string) string {
	if path == "" {
		return "-"
	}
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
