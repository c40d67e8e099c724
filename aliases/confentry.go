package aliases

import (
	"fmt"
	"strings"
)

func entries(dst func(*Program) *[]ConfEntry) setter {
	return func(p *Program, value string, _ Scope) error {
		var list []ConfEntry
		for _, word := range splitList(value) {
			entry, ok := parseEntry(word)
			if !ok {
				return fmt.Errorf("%q is no name, no path below the conf directory, and neither with a [section]", clip(word))
			}
			list = append(list, entry)
		}
		*dst(p) = list
		return nil
	}
}

// parseEntry reads name, name[section], or a path, whose parts may hold * and
// ?, in the place of the name. Names are the beginnings of names of files:
// nothing hidden, and nothing above the conf directory.
func parseEntry(word string) (ConfEntry, bool) {
	base, rest, narrowed := strings.Cut(word, "[")
	if base == "" || strings.ContainsAny(base, `]{}\`) {
		return ConfEntry{}, false
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(base, "/"), "/") {
		if part == "" || part[0] == '.' {
			return ConfEntry{}, false
		}
	}
	if !narrowed {
		return ConfEntry{Base: base}, true
	}
	section, closed := strings.CutSuffix(rest, "]")
	return ConfEntry{Base: base, Section: section}, closed && section != ""
}
