package manager

import (
	"fmt"
	"strings"

	"mgr/pidfile"
)

// A line is one line to be printed, in a colour if it has one.
type line struct{ color, text string }

// table prints lines.
func (c *Console) table(lines []line) {
	for _, l := range lines {
		c.Print(c.painted(l))
	}
}

func (c *Console) painted(l line) string {
	if l.color == "" || !c.color {
		return l.text + "\n"
	}
	return "\x1b[" + l.color + "m" + l.text + "\x1b[0m\n"
}

// A table is the rows of stats, numbers aligned to the right.
type table struct {
	verbose bool
	rows    []tableRow
}

// A tableRow is a name and its cells, or a name and what stands instead of them.
type tableRow struct {
	name    string
	cells   []string
	instead string
	color   string
}

// idle adds a server that does not run.
func (t *table) idle(name, word string) {
	color := yellow
	if word != "not running" {
		color = red
	}
	t.rows = append(t.rows, tableRow{name: printable(name), instead: word, color: color})
}

// idleWord says in words why there are no figures.
func idleWord(s pidfile.State) string {
	switch s {
	case pidfile.Stopped:
		return "not running"
	case pidfile.Dead, pidfile.Foreign:
		return s.String() + ", pidfile left"
	}
	return s.String()
}

// row adds a server that runs.
func (t *table) row(name string, pid int, st stats) {
	fds := "-"
	if st.Descriptors != nil {
		fds = itoa(*st.Descriptors)
		if st.MaxFDs != nil {
			fds += fmt.Sprintf("/%d", *st.MaxFDs)
		}
	}
	t.add(printable(name), st, ownCells{itoa(pid), fds, uptime(st.Uptime)})
}

// ownCells are the cells that not every row has.
type ownCells struct{ pid, fds, uptime string }

func (t *table) add(name string, st stats, own ownCells) {
	pss := "-"
	if st.PSS != nil {
		pss = sizeCell(*st.PSS)
	}
	cells := []string{own.pid, fmt.Sprintf("%.1f", st.CPUPercent), sizeCell(st.RSS), pss, itoa(st.Workers), itoa(st.Threads), own.fds, own.uptime}
	t.rows = append(t.rows, tableRow{name: name, cells: t.wanted(cells)})
}

// wanted leaves out the cells that are for -v.
func (t *table) wanted(cells []string) []string {
	if t.verbose {
		return cells
	}
	return append(append([]string{}, cells[:3]...), cells[4], cells[5], cells[7])
}

// sums adds the sum, the least and the most of a program of which several run.
func (t *table) sums(all []stats) {
	if len(all) < 2 {
		return
	}
	total, least, most := all[0], all[0], all[0]
	for _, st := range all[1:] {
		total = total.combine(st, func(a, b float64) float64 { return a + b })
		least = least.combine(st, func(a, b float64) float64 { return min(a, b) })
		most = most.combine(st, func(a, b float64) float64 { return max(a, b) })
	}
	t.add(fmt.Sprintf("  sum of %d", len(all)), total, ownCells{})
	t.add("  min", least, ownCells{uptime: uptime(least.Uptime)})
	t.add("  max", most, ownCells{uptime: uptime(most.Uptime)})
}

// combine combines what two servers take, figure by figure.
func (s stats) combine(o stats, f func(a, b float64) float64) stats {
	out := stats{
		CPUPercent: f(s.CPUPercent, o.CPUPercent), RSS: int64(f(float64(s.RSS), float64(o.RSS))),
		Workers: int(f(float64(s.Workers), float64(o.Workers))), Threads: int(f(float64(s.Threads), float64(o.Threads))),
		Uptime: f(s.Uptime, o.Uptime),
	}
	if s.PSS != nil && o.PSS != nil {
		pss := int64(f(float64(*s.PSS), float64(*o.PSS)))
		out.PSS = &pss
	}
	return out
}

// lines lays the table out.
func (t *table) lines() []line {
	heads := t.wanted([]string{"PID", "CPU%", "RSS", "PSS", "WORKERS", "THREADS", "FDS", "UPTIME"})
	rows := append([]tableRow{{name: "SERVER", cells: heads}}, t.rows...)
	widths := make([]int, len(heads))
	name := 0
	for _, r := range rows {
		name = max(name, width(r.name))
		for n, cell := range r.cells {
			widths[n] = max(widths[n], len(cell))
		}
	}
	var out []line
	for _, r := range rows {
		var b strings.Builder
		b.WriteString(padded(r.name, name) + " ")
		for n, cell := range r.cells {
			fmt.Fprintf(&b, " %*s", widths[n], cell)
		}
		if r.instead != "" {
			b.WriteString(" " + r.instead)
		}
		out = append(out, line{r.color, strings.TrimRight(b.String(), " ")})
	}
	return out
}
