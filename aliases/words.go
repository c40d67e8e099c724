package aliases

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

var errUnclosed = errors.New("a quote is not closed")

// splitWords splits a command line as supervisord does, which is Python's
// shlex.split: blanks part words; a backslash takes the next character as it
// is, within double quotes only another backslash or a double quote; within
// single quotes nothing is special, and a # never is.
func splitWords(line string) ([]string, error) {
	var (
		words        []string
		word         strings.Builder
		begun, taken bool // a word has begun; the character is taken as it is
		quote        rune // that is open, or 0
	)
	for _, c := range line {
		switch {
		case taken:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			taken = false
		case c == '\\' && quote != '\'':
			begun, taken = true, true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			begun, quote = true, c
		case quote == 0 && unicode.IsSpace(c):
			if begun {
				words = append(words, word.String())
				word.Reset()
			}
			begun = false
		default:
			begun = true
			word.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil, errUnclosed
	}
	if taken {
		return nil, errors.New("nothing stands behind the last backslash")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// words splits a command line as a shell does. Variables of the environment are
// filled in before, as supervisord does, so that one may hold several words; the
// others, paths among them, after.
func words(dst func(*Program) *[]string) setter {
	return func(p *Program, value string, scope Scope) error {
		if _, err := scope.Expand(value); err != nil {
			return err
		}
		value, err := scope.expand(value, func(name string) bool { return strings.HasPrefix(name, "ENV_") })
		if err != nil {
			return err
		}
		list, err := splitWords(value)
		if err != nil {
			return fmt.Errorf("%q: %w; what stands behind \" ;\" or \" #\" is a comment", clip(value), err)
		}
		for n := range list {
			if list[n], err = scope.bind(list[n]); err != nil {
				return err
			}
		}
		*dst(p) = list
		return nil
	}
}

// command keeps words of which the first is a command.
func command(dst func(*Program) *[]string) setter {
	set := words(dst)
	return func(p *Program, value string, scope Scope) error {
		err := set(p, value, scope)
		if list := *dst(p); err == nil && (len(list) == 0 || list[0] == "") {
			err = errors.New("is empty")
		}
		return err
	}
}
