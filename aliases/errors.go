package aliases

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/xrash/smetrics"
)

// An Error is one thing that is wrong with a profile, and where.
type Error struct {
	File    string
	Line    int    // from 1; 0 if it is about the file
	Section string // "" if it is in none
	Text    string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Section != "" {
		b.WriteString(": [" + shown(e.Section) + "]")
	}
	return b.String() + ": " + e.Text
}

// shown is a name as a message shows it where no quotes are around it: it may hold
// what a terminal would obey, or begin a new line.
func shown(name string) string {
	quoted := strconv.Quote(clip(name))
	return quoted[1 : len(quoted)-1]
}

// Errors is everything that is wrong with a profile, in the order of lines.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// nearest gives up to three of names that are most like word, the best first.
func nearest(word string, names []string) []string {
	if len(word) > 2*maxName { // no slip of the fingers
		return nil
	}
	type scored struct {
		name  string
		score float64
	}
	var all []scored
	for _, name := range names {
		s := smetrics.JaroWinkler(strings.ToLower(word), strings.ToLower(name), 0.7, 4)
		if s >= 0.75 {
			all = append(all, scored{name, s})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	var out []string
	for _, s := range all[:min(len(all), 3)] {
		out = append(out, s.name)
	}
	return out
}

// Suggest is ` (nearest: "a", "b")`, or nothing.
func Suggest(word string, names []string) string {
	near := nearest(word, names)
	if len(near) == 0 {
		return ""
	}
	for i, n := range near {
		near[i] = fmt.Sprintf("%q", n)
	}
	return " (nearest: " + strings.Join(near, ", ") + ")"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
