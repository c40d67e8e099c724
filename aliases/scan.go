package aliases

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// keyName says whether a key looks like one: [A-Za-z][A-Za-z0-9_.-]*.
func keyName(key string) bool {
	for n := range len(key) {
		c := key[n]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (n == 0 || !('0' <= c && c <= '9' || c == '_' || c == '.' || c == '-')) {
			return false
		}
	}
	return key != ""
}

// A scanner goes over the lines of a profile as Python's configparser does with
// supervisord's options: a line that is indented more than the key before it
// goes on with the value, and what stands behind " ;" or " #" is a comment.
//
// The library reads some of that otherwise (a key indented like the one before
// it, comments between continuation lines, back quotes, three double quotes),
// and tells no line numbers. So it is given plain text, in which all of that is
// gone, and what could not be told in plain text is an error here.
type scanner struct {
	file   string
	plain  bytes.Buffer
	lines  map[place]int
	broken map[string]bool // sections with errors of this kind
	errs   Errors

	n      int   // the line
	at     place // the section and key that it belongs to
	indent int   // of the key
	skip   bool  // the section is not handed on
	drop   bool  // the key is not
}

// A place is a section, or a key of one.
type place struct{ section, key string }

// scan gives the plain text, the lines of sections and keys, and every line
// that is none.
func scan(file string, text []byte) *scanner {
	s := &scanner{file: file, lines: map[place]int{}, broken: map[string]bool{}}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for raw := range bytes.Lines(text) {
		s.n++
		if bytes.IndexByte(raw, 0) >= 0 {
			s.fail(errors.New("a NUL byte: this is no INI file"))
			return s
		}
		if !utf8.Valid(raw) {
			s.fail(fmt.Errorf("no UTF-8: %q", clip(strings.TrimSpace(string(raw)))))
			continue
		}
		if err := s.line(string(raw)); err != nil {
			s.fail(err)
		}
	}
	return s
}

func (s *scanner) fail(err error) {
	s.broken[s.at.section] = true
	s.errs = append(s.errs, &Error{File: s.file, Line: s.n, Section: s.at.section, Text: err.Error()})
}

func (s *scanner) line(raw string) error {
	text := strings.TrimSpace(uncomment(raw))
	indent := len(raw) - len(strings.TrimLeftFunc(raw, unicode.IsSpace))
	switch {
	case text == "":
		return nil
	case s.at.key != "" && indent > s.indent:
		s.emit("\t" + text)
		return nil
	case text[0] == '[':
		return s.header(text)
	}
	return s.key(text, indent)
}

func (s *scanner) emit(line string) {
	if !s.skip && !s.drop {
		s.plain.WriteString(line + "\n")
	}
}

func (s *scanner) header(text string) error {
	name, behind, closed := strings.Cut(text[1:], "]")
	s.at, s.skip, s.drop = place{section: name}, true, false
	first, seen := s.lines[s.at]
	switch {
	case !closed:
		return fmt.Errorf("a section without its ]: %q", clip(text))
	case behind != "":
		return fmt.Errorf("text behind the section: %q", clip(behind))
	case name == "":
		return errors.New("a section without a name")
	case seen:
		return fmt.Errorf("the section again, first in line %d", first)
	}
	s.lines[s.at], s.skip = s.n, false
	s.emit("[" + name + "]")
	return nil
}

func (s *scanner) key(text string, indent int) error {
	end := strings.IndexAny(text, "=:")
	if end <= 0 {
		return fmt.Errorf("neither [section] nor key = value: %q", clip(text))
	}
	key, value := strings.TrimSpace(text[:end]), strings.TrimSpace(text[end+1:])
	if !keyName(key) {
		return fmt.Errorf("%q is no key", clip(key))
	}
	s.at.key, s.indent, s.drop = key, indent, true
	first, seen := s.lines[s.at]
	switch {
	case s.skip:
		return nil
	case len(s.lines) == 0:
		return fmt.Errorf("key %q stands before the first section", clip(key))
	case seen:
		return fmt.Errorf("key %q again, first in line %d", key, first)
	}
	s.lines[s.at] = s.n
	if strings.HasPrefix(value, "`") || strings.HasPrefix(value, `"""`) {
		return fmt.Errorf("%s: %q: a value begins with no back quote and no three quotes", key, clip(value))
	}
	s.drop = false
	s.emit(key + " = " + value)
	return nil
}

// uncomment cuts off a comment: from a ; or # that stands first or behind a
// blank.
func uncomment(line string) string {
	blank := true
	for i, c := range line {
		if blank && (c == ';' || c == '#') {
			return line[:i]
		}
		blank = unicode.IsSpace(c)
	}
	return line
}
