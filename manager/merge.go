package manager

import (
	"slices"
	"time"

	"mgr/server/logtail"
)

// mostMerged is how many lines of each log are held back to be put in order. If more
// are asked for, the logs are shown one after the other.
const mostMerged = 10_000

// gathered are lines of several logs that are to be shown in the order of the times
// that they begin with.
type gathered struct {
	now   time.Time
	lines []gatheredLine
	last  map[int]time.Time // of each log
}

// A gatheredLine is a line, whose it is, and when it was written, as far as that
// can be told.
type gatheredLine struct {
	key  int
	at   time.Time
	text string
}

// gather holds lines back from here on, if there is anything to put in order.
func (v *logView) gather() {
	if len(v.logs) > 1 && v.lines <= mostMerged && !v.m.Options.JSON {
		v.held = &gathered{now: time.Now(), last: map[int]time.Time{}}
	}
}

// print prints a line, or holds it back.
func (v *logView) print(key int, line []byte) {
	if v.held != nil {
		v.held.add(key, line)
		return
	}
	l := v.logs[key]
	v.m.Console.Line(l.color, l.prefix, line)
}

// release prints what was held back.
func (v *logView) release() {
	if v.held == nil {
		return
	}
	lines := v.held.sorted()
	v.held = nil
	for _, l := range lines {
		v.print(l.key, []byte(l.text))
	}
}

// add adds a line. One without a time belongs to the line before it, and no log
// goes back in time, whatever the clock did: its lines stay in their order.
func (g *gathered) add(key int, line []byte) {
	if at, ok := logtail.Stamp(line, g.now); ok && at.After(g.last[key]) {
		g.last[key] = at
	}
	g.lines = append(g.lines, gatheredLine{key, g.last[key], string(line)})
}

// sorted gives the lines in the order of their times, and those of one time in that
// of their logs. What comes before the first time of its log has that one; a log
// without any comes first.
func (g *gathered) sorted() []gatheredLine {
	first := map[int]time.Time{}
	for _, l := range slices.Backward(g.lines) {
		if !l.at.IsZero() {
			first[l.key] = l.at
		}
	}
	for n := range g.lines {
		if l := &g.lines[n]; l.at.IsZero() {
			l.at = first[l.key]
		}
	}
	slices.SortStableFunc(g.lines, func(a, b gatheredLine) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.key - b.key
	})
	return g.lines
}
