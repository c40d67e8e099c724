package aliases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// globKey keeps a glob that a text as a whole is to match.
func globKey(dst func(*Program) *string) setter {
	return func(p *Program, value string, scope Scope) error {
		bound, err := scope.bind(value)
		if err != nil {
			return err
		}
		if _, err := CompileGlob(value); err != nil {
			return fmt.Errorf("%q: %w", clip(value), err)
		}
		*dst(p) = bound
		return nil
	}
}

// CompileGlob compiles a glob of a profile, in which variables stand no more: their
// values were put in by way of QuoteGlob. What it returns says whether a text, as a
// whole, matches.
func CompileGlob(text string) (matches func(string) bool, err error) {
	g, err := glob.Compile(text)
	if err != nil {
		return nil, err
	}
	return g.Match, nil
}

// QuoteGlob quotes the characters that mean something in a glob.
func QuoteGlob(s string) string { return glob.QuoteMeta(s) }

// A pattern is a conf name, or a glob for some.
type pattern struct {
	text  string
	match *glob.Pattern // nil: exactly text
}

func (p pattern) matches(name string) bool {
	if p.match == nil {
		return p.text == name
	}
	return name != "" && p.match.Match(name)
}

func anyMatches(list []pattern, name string) bool {
	return slices.ContainsFunc(list, func(p pattern) bool { return p.matches(name) })
}

func isGlob(s string) bool { return strings.ContainsAny(s, "*?[{") }

func compile(s string) (pattern, error) {
	if !isGlob(s) {
		return pattern{text: s}, nil
	}
	g, err := glob.Compile(s)
	if err != nil {
		return pattern{}, fmt.Errorf("bad glob: %w", err)
	}
	return pattern{text: s, match: g}, nil
}
