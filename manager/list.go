package manager

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"mgr/server"
)

// list prints what the names resolve to, program by program: its command, and
// the number, conf and pidfile of each instance. It touches nothing.
func (m *Manager) list(_ context.Context, servers []*server.Server) int {
	m.Console.Say("conf directory %s, run directory %s", m.Fleet.ConfDir, m.Fleet.RunDir)
	var b strings.Builder
	status := OK
	for _, s := range servers {
		for _, err := range s.Errs {
			m.problem(nil, "%s: %v", s.Program.Name, err)
			status = Failed
		}
		if len(s.Instances) == 0 {
			if m.strict(servers) {
				m.noConf(s, &m.errors)
				status = Failed
			}
			continue
		}
		status = max(status, m.listServer(&b, s))
	}
	if !m.Console.silent {
		m.Console.Print(b.String())
	}
	return status
}

func (m *Manager) listServer(b *strings.Builder, s *server.Server) int {
	status := OK
	var rows [][3]string
	for n, i := range s.Instances {
		r := m.result(i)
		path, _, err := i.Command()
		r.Command = path
		if err != nil { // it may be there again before anybody needs it
			path = err.Error()
			r.Warnings = append(r.Warnings, path)
		}
		if r.Program, err = i.Resolve(); err != nil {
			m.problem(i, "%s (%s): %v", i, subject(i), err)
			status = Failed
		}
		if n == 0 {
			fmt.Fprintf(b, "\n%s: %s\n", s.Program.Name, printable(path))
		}
		number := itoa(i.Number)
		if i.Number == 0 {
			number = "gone"
		}
		rows = append(rows, [3]string{number, printable(m.below(m.Fleet.ConfDir, i.Conf)), printable(m.below(m.Fleet.RunDir, i.Pidfile))})
	}
	align(b, rows)
	return status
}

// align prints rows, with their cells below each other.
func align(b *strings.Builder, rows [][3]string) {
	var widths [3]int
	for _, row := range rows {
		for n, cell := range row {
			widths[n] = max(widths[n], width(cell))
		}
	}
	for _, row := range rows {
		b.WriteString("  " + padded(row[0], widths[0]) + "  " + padded(row[1], widths[1]) + "  " + row[2] + "\n")
	}
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
