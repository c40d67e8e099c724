package aliases

import (
	"errors"
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
