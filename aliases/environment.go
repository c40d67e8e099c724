package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// environment adds variables, which replace the caller's.
func environment(p *Program, value string, scope Scope) error {
	vars, err := parseEnvironment(value, scope)
	p.Environment = append(p.Environment, vars...)
	return err
}

// environmentDefault adds variables that the caller's replace.
func environmentDefault(p *Program, value string, scope Scope) error {
	vars, err := parseEnvironment(value, scope)
	for n := range vars {
		vars[n].Default = true
	}
	p.Environment = append(p.Environment, vars...)
	return err
}

// parseEnvironment reads NAME="value",NAME2=value2. A value without quotes ends at a
// comma. With an error it gives those before the one that is wrong.
func parseEnvironment(value string, scope Scope) (vars []EnvVar, err error) {
	for _, pair := range splitPairs(value) {
		name, text, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsFunc(name, unprintable) || strings.ContainsAny(name, `"'`) {
			return vars, fmt.Errorf("%q is not NAME=value", clip(pair))
		}
		text, err := unquote(text)
		if err != nil {
			return vars, fmt.Errorf("value of %s: %w", name, err)
		}
		if text, err = scope.fix(text); err != nil {
			return vars, err
		}
		vars = append(vars, EnvVar{Name: name, Value: text})
	}
	return vars, nil
}

// splitPairs splits at the commas that are not in quotes. Quotes are those that
// a value begins with.
func splitPairs(s string) []string {
	var quote, before rune // before: the last one that was no blank
	parts := strings.FieldsFunc(s, func(c rune) bool {
		switch {
		case quote == 0 && before == '=' && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		if !unicode.IsSpace(c) {
			before = c
		}
		return quote == 0 && c == ','
	})
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}

// unquote gives the value of a variable of an environment. As in supervisord
// nothing is special within quotes; blanks, and what looks like a comment, need
// them.
func unquote(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	if q := text[0]; q == '"' || q == '\'' {
		value, behind, closed := strings.Cut(text[1:], string(q))
		if !closed {
			return "", errUnclosed
		}
		if behind != "" {
			return "", errors.New("text behind its quotes")
		}
		return value, nil
	}
	if text[0] == '#' || strings.ContainsFunc(text, unicode.IsSpace) {
		return "", errors.New("quote it")
	}
	return text, nil
}

// getenv looks a variable up in the program's environment, then in outer's.
func (p *Program) getenv(name string, outer Scope) (string, bool) {
	for i := len(p.Environment) - 1; i >= 0; i-- {
		v := p.Environment[i]
		if v.Name != name {
			continue
		}
		if v.Default {
			if value, ok := outer.getenv(name); ok {
				return value, true
			}
		}
		value, err := outer.Expand(v.Value)
		return value, err == nil
	}
	return outer.getenv(name)
}
