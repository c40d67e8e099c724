package manager

import (
	"strings"

	"mgr/pidfile"
)

// The cells of a row.
const (
	cellServer = iota
	cellConf
	cellState
	cellPID
	cellUptime
	cellMemory
	cellWorkers
	cellPorts
	overviewCells
)

var overviewHeads = [overviewCells]string{"SERVER", "CONF", "STATE", "PID", "UPTIME", "MEMORY", "WORKERS", "PORTS"}

// layout gives the lines of the table, as wide as the terminal at the most.
func (o *overview) layout(columns int) []string {
	widths := [overviewCells]int{}
	rows := append([]overviewRow{{cells: overviewHeads, state: -1}}, o.rows...)
	for _, r := range rows {
		for n, cell := range r.cells {
			widths[n] = max(widths[n], width(cell))
		}
	}
	gap := narrow(&widths, columns)
	var out []string
	for _, r := range rows {
		out = append(out, o.m.Console.row(r, widths, gap))
		for _, l := range r.below {
			out = append(out, o.m.Console.painted(l))
		}
	}
	return out
}

// narrow makes columns fit, and gives the blanks between two: first those go, then
// the ends of confs, of ports and of the servers' names.
func narrow(widths *[overviewCells]int, columns int) (gap int) {
	excess := func(gap int) int {
		sum := gap*(overviewCells-1) - columns
		for _, w := range widths {
			sum += w
		}
		return sum
	}
	if excess(2) <= 0 {
		return 2
	}
	for _, least := range []struct{ cell, width int }{{cellConf, 12}, {cellPorts, 11}, {cellServer, 12}, {cellConf, 6}, {cellPorts, 5}, {cellServer, 6}} {
		if over := excess(1); over > 0 && widths[least.cell] > least.width {
			widths[least.cell] = max(least.width, widths[least.cell]-over)
		}
	}
	return 1
}

// row lays out one row. The state alone is coloured.
func (c *Console) row(r overviewRow, widths [overviewCells]int, gap int) string {
	var b strings.Builder
	for n, cell := range r.cells {
		cell = fit(cell, widths[n])
		pad := strings.Repeat(" ", widths[n]-width(cell))
		switch n {
		case cellPID, cellUptime, cellMemory, cellWorkers:
			cell = pad + cell
		case cellState:
			cell = c.colored(stateColor(r.state), cell) + pad
		default:
			cell += pad
		}
		if n > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(cell)
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

// stateColor is the colour of a state; "" of none.
func stateColor(s pidfile.State) string {
	switch s {
	case pidfile.Running:
		return green
	case pidfile.Dead, pidfile.Foreign, pidfile.Malformed, pidfile.Unknown:
		return red
	case pidfile.Stopped:
		return yellow
	}
	return ""
}
