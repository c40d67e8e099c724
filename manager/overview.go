package manager

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mgr/pidfile"
	"mgr/server"
)

// A sighting is an instance, or a program without one, as status found it.
type sighting struct {
	server   *server.Server
	instance *server.Instance // nil: the program has none
	finding  pidfile.Finding
}

// An overview is what status shows on a terminal: a line that sums up, then a row for
// each instance, the worst first, as many as there is room for.
type overview struct {
	m       *Manager
	tree    *pidfile.Tree
	sockets pidfile.Sockets
	rows    []overviewRow
}

// An overviewRow is one instance, and the lines below it.
type overviewRow struct {
	state pidfile.State
	cells [overviewCells]string
	below []line
}

// onTerminal says whether status is for somebody who looks, and not for a script.
func (m *Manager) onTerminal() bool {
	return m.Console.screen.terminal.Columns > 0 && !m.Console.silent
}

// untracked is the word for what runs without a pidfile; other words are states.
const untracked = "untracked"

// word is how a sighting is called.
func (m *Manager) word(s sighting) string {
	if s.instance != nil && len(m.loose[s.instance]) > 0 {
		return untracked
	}
	return s.finding.State.String()
}

// rank orders words, the worst first.
func rank(word string) int {
	return slices.Index([]string{"dead", "foreign", "malformed", "unknown", untracked, "stopped", "running"}, word)
}

// overview prints sightings.
func (m *Manager) overview(all []sighting) {
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b sighting) int { return cmp.Compare(rank(m.word(a)), rank(m.word(b))) })
	if len(all) > 1 {
		m.sentence(fmt.Sprintf("%d instances: %s", len(all), m.tally(all)))
		m.Console.Print("\n")
	}
	o := &overview{m: m}
	shown := o.take(all)
	for _, l := range o.layout(m.Console.screen.terminal.Columns) {
		m.Console.Print(l)
	}
	if rest := all[shown:]; len(rest) > 0 {
		m.sentence(fmt.Sprintf("… %d more: %s; --all shows them", len(rest), m.tally(rest)))
	}
}

// sentence prints a text, on several lines if the terminal is narrow.
func (m *Manager) sentence(text string) {
	if columns := m.Console.screen.terminal.Columns; width(text) > columns {
		for _, l := range wrapped(text, columns) {
			m.Console.Print(strings.TrimSpace(l) + "\n")
		}
		return
	}
	m.Console.Print(text + "\n")
}

// tally counts sightings that are in order: 2 dead, 998 running.
func (m *Manager) tally(all []sighting) string {
	var parts []string
	for n := 0; n < len(all); {
		word, from := m.word(all[n]), n
		for n < len(all) && m.word(all[n]) == word {
			n++
		}
		if word == pidfile.Stopped.String() {
			word = "not running"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n-from, word))
	}
	return strings.Join(parts, ", ")
}

// frame is how many rows of the terminal are no instances: the sum and the line
// behind it, the heads, what is left out, and the prompt.
const frame = 5

// take makes rows of as many sightings as there is room for, and gives their number.
func (o *overview) take(all []sighting) int {
	room := max(o.m.Console.screen.terminal.Rows-frame, 10)
	for n, s := range all {
		row := o.row(s)
		if room -= 1 + len(row.below); room < 0 && !o.m.Options.All && n > 0 {
			return n
		}
		o.rows = append(o.rows, row)
	}
	return len(all)
}

// row looks at one instance more closely.
func (o *overview) row(s sighting) overviewRow {
	r := overviewRow{state: s.finding.State}
	for n := range r.cells {
		r.cells[n] = "-"
	}
	r.cells[cellState] = o.m.word(s)
	r.cells[cellServer] = printable(s.server.Program.Name)
	i := s.instance
	if i == nil {
		return r
	}
	r.cells[cellConf] = printable(confCell(i))
	if s.finding.Record.PID != 0 && r.state != pidfile.Stopped {
		r.cells[cellPID] = itoa(s.finding.Record.PID)
	}
	if r.state == pidfile.Running {
		o.figures(i, &r)
		return r
	}
	if pids := o.m.loose[i]; len(pids) > 0 {
		r.cells[cellPID] = joinPIDs(pids, ",")
	}
	if why := o.m.reasons(i, s.finding); why != noPidfile {
		r.below = o.below("", why)
	}
	return r
}

// confCell is what tells an instance from others of its program, "-" if its name is
// that of the program.
func confCell(i *server.Instance) string {
	label := i.Label()
	if label == i.Program.Name {
		return "-"
	}
	return strings.TrimPrefix(label, i.Program.Name+"/")
}

// figures fills in what a running server takes. It is looked at anew, so it may have
// ended.
func (o *overview) figures(i *server.Instance, r *overviewRow) {
	f := i.Inspect()
	defer f.Process.Close()
	if f.State != pidfile.Running {
		r.state, r.cells[cellState] = f.State, f.State.String()
		r.below = o.below("", "it has ended while it was looked at: it is counted as running")
		return
	}
	if o.tree == nil {
		o.tree, _ = pidfile.ReadTree()
		o.sockets = pidfile.ReadSockets()
	}
	if o.tree == nil {
		return
	}
	usages, err := o.m.family(o.tree, f.Process)
	if err != nil {
		return
	}
	st := sum(usages)
	r.cells[cellUptime], r.cells[cellMemory], r.cells[cellWorkers] = uptime(st.Uptime), sizeCell(st.RSS), itoa(st.Workers)
	if ports := o.ports(f.Process); ports != "" {
		r.cells[cellPorts] = ports
	}
	if o.m.Options.Verbose {
		r.below = append(r.below, o.more(i, f, st)...)
	}
}

// ports are the numbers of those that the process listens at.
func (o *overview) ports(p *pidfile.Process) string {
	var out []string
	for _, s := range o.sockets.Of(p) {
		if n := itoa(int(s.Address.Port())); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return strings.Join(out, ",")
}

// more is what -v tells of a running server.
func (o *overview) more(i *server.Instance, f pidfile.Finding, st stats) []line {
	text := fmt.Sprintf("%.1f %% cpu", share(duration(st.CPUSeconds), duration(st.Uptime)))
	if st.Descriptors != nil {
		text += fmt.Sprintf(", %d descriptors", *st.Descriptors)
		if st.MaxFDs != nil {
			text += fmt.Sprintf(" of %d", *st.MaxFDs)
		}
	}
	out := o.below("", text+", user "+pidfile.Owner(f.Record.PID))
	if i.Orphan {
		out = append(out, o.below(yellow, orphaned(i))...)
	}
	stale, _ := i.Stale(f)
	for _, words := range staleWords(stale) {
		out = append(out, o.below(yellow, "stale: "+words)...)
	}
	return out
}

// below gives a text as lines below a row.
func (o *overview) below(color, text string) []line {
	var out []line
	for _, part := range wrapped(printable(text), o.m.Console.screen.terminal.Columns) {
		out = append(out, line{color, part})
	}
	return out
}
