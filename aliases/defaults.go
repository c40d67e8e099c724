package aliases

import (
	"slices"

	"gopkg.in/ini.v1"
)

// defaults gives the [defaults] that hold for the programs of a file, with the files
// that they stand in: those of the first file, then its own.
func (r *reader) defaults(s *source) []*source {
	var from []*source
	if r.sources[0].has("defaults") {
		from = append(from, r.sources[0])
	}
	if s != r.sources[0] && s.has("defaults") {
		from = append(from, s)
	}
	return from
}

// undone gives the keys that a program's section has without a value so that what
// [defaults] says does not hold for it: it is as if neither had them. A key that
// [defaults] does not have, or whose empty value has a meaning, is not undone.
func (r *reader) undone(s *source, section *ini.Section) map[string]bool {
	var keys map[string]bool
	for _, e := range r.entries(s, section) {
		if e.value != "" || e.row == nil || e.row.empty || !r.hasDefault(s, e.name) {
			continue
		}
		if keys == nil {
			keys = map[string]bool{}
		}
		keys[e.name] = true
	}
	return keys
}

func (r *reader) hasDefault(s *source, key string) bool {
	return slices.ContainsFunc(r.defaults(s), func(from *source) bool { return from.file.Section("defaults").HasKey(key) })
}

// inherit reads what [defaults] says for a program of a file, but for what is undone,
// and says whether a line of it could not be read.
func (r *reader) inherit(prog *Program, s *source, undone map[string]bool) (broken bool) {
	for _, from := range r.defaults(s) {
		r.keys(prog, from, from.file.Section("defaults"), undone)
		broken = broken || from.broken["defaults"]
	}
	return broken
}
