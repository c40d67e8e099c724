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
	widths := widthsOf{}
	rows := append([]overviewRow{{cells: overviewHeads, state: -1}}, o.rows...)
	for _, r := range rows {
		for n, cell := range r.cells {
			widths[n] = max(widths[n], width(cell))
		}
	}
	gap := widths.narrow(columns)
	show := func(r overviewRow) string { return o.m.Console.row(r, widths, gap) }
	if gap == 0 {
		rows = rows[1:]
		show = func(r overviewRow) string { return o.m.Console.short(r, columns) }
	}
	var out []string
	for _, r := range rows {
		out = append(out, show(r))
		for _, l := range r.below {
			out = append(out, o.m.Console.painted(l))
		}
	}
	return out
}

// widthsOf are the widths of the cells of a row; what has none is not shown.
type widthsOf [overviewCells]int

// excess is by how many columns a row is too wide.
func (w *widthsOf) excess(gap, columns int) int {
	sum := -gap
	for _, n := range w {
		if n > 0 {
			sum += gap + n
		}
	}
	return sum - columns
}

// shrink cuts off the ends of confs, of ports and of the servers' names.
func (w *widthsOf) shrink(columns int) {
	for _, least := range []struct{ cell, width int }{{cellConf, 12}, {cellPorts, 11}, {cellServer, 12}, {cellConf, 6}, {cellPorts, 5}, {cellServer, 6}} {
		if over := w.excess(1, columns); over > 0 && w[least.cell] > least.width {
			w[least.cell] = max(least.width, w[least.cell]-over)
		}
	}
}

// narrow makes a row fit, and gives the blanks between two cells: first those go, then
// the ends of some, then whole cells. If that is not enough there is no table: 0.
func (w *widthsOf) narrow(columns int) (gap int) {
	if w.excess(2, columns) <= 0 {
		return 2
	}
	all := *w
	dropped := []int{cellWorkers, cellMemory, cellUptime, cellPorts, cellPID}
	for n := range len(dropped) + 1 {
		*w = all
		for _, cell := range dropped[:n] {
			w[cell] = 0
		}
		if w.shrink(columns); w.excess(1, columns) <= 0 {
			return 1
		}
	}
	return 0
}

// short is a row where there is no room for a table: the state comes first, and what
// there is no room for is cut off.
func (c *Console) short(r overviewRow, columns int) string {
	label := r.cells[cellServer]
	if conf := r.cells[cellConf]; conf != "-" {
		label += "/" + conf
	}
	word := fit(r.cells[cellState], columns)
	if rest := columns - width(word) - 1; rest > 0 {
		return c.colored(stateColor(r.state), word) + " " + fit(label, rest) + "\n"
	}
	return c.colored(stateColor(r.state), word) + "\n"
}

// row lays out one row. The state alone is coloured.
func (c *Console) row(r overviewRow, widths widthsOf, gap int) string {
	var b strings.Builder
	for n, cell := range r.cells {
		if widths[n] == 0 {
			continue
		}
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
