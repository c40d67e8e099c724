package main

import (
	"os"
	"strings"
)

// A commandLine is what stands before the cursor, taken apart as a shell takes
// it apart.
type commandLine struct {
	words   []string // those that are complete, their variables filled in
	current string   // the one at the cursor, without its quotes, "" after a blank
	quote   byte     // the quote that is open at the cursor, or 0
}

// splitLine takes a command line apart. Nothing is executed: $(…) and globs stay
// as they are written.
func splitLine(line string) commandLine {
	var l commandLine
	var word, plain strings.Builder // with and without variables
	begun := false
	add := func(s string) {
		begun = true
		word.WriteString(s)
		plain.WriteString(s)
	}
	for line != "" {
		c := line[0]
		rest := line[1:]
		switch {
		case c == '\\' && l.quote != '\'' && rest != "":
			if l.quote == '"' && !strings.ContainsRune("$`\"\\", rune(rest[0])) {
				add(`\`)
			}
			add(rest[:1])
			rest = rest[1:]
		case c == l.quote:
			l.quote = 0
		case l.quote == 0 && (c == '\'' || c == '"'):
			begun, l.quote = true, c
		case l.quote == 0 && strings.ContainsRune(" \t\n", rune(c)):
			if begun {
				l.words = append(l.words, word.String())
			}
			word.Reset()
			plain.Reset()
			begun = false
		case c == '$' && l.quote != '\'' || c == '~' && l.quote == 0 && !begun:
			value, n := variable(line)
			word.WriteString(value)
			plain.WriteString(line[:n])
			begun, rest = true, line[n:]
		default:
			add(line[:1])
		}
		line = rest
	}
	l.current = plain.String()
	return l
}

// variable gives the value of the $NAME, ${NAME} or ~ that s begins with, and how
// much of s that takes; what is no variable stands for itself.
func variable(s string) (value string, n int) {
	name, n := "HOME", 1
	switch {
	case s[0] == '~':
		if n < len(s) && !strings.ContainsRune("/ \t\n", rune(s[n])) {
			return "~", 1 // another user's
		}
	case strings.HasPrefix(s, "${"):
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "$", 1
		}
		name, n = s[2:end], end+1
	default:
		for n < len(s) && (s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || n > 1 && s[n] >= '0' && s[n] <= '9') {
			n++
		}
		name = s[1:n]
	}
	if value, ok := os.LookupEnv(name); ok {
		return value, n
	}
	return s[:n], n
}

// A replacement is what bash will replace: the end of the word at the cursor,
// since its words end at colons and equal signs too.
type replacement struct {
	quote byte
	head  string // of the word, which stays
}

// replaced says what bash will replace if it has text for its current word; ok
// is false if it cannot be told.
func (l commandLine) replaced(text string) (r replacement, ok bool) {
	r.quote = l.quote
	if l.quote != 0 {
		text = string(l.quote) + text
	}
	r.head, ok = strings.CutSuffix(l.current, splitLine(text).current)
	return r, ok
}

// insert gives what has to be put there so that the word becomes another one,
// which begins with the head; "": it cannot be written there.
func (r replacement) insert(word string) string {
	word, ok := strings.CutPrefix(word, r.head)
	switch {
	case !ok || r.quote == '\'' && strings.Contains(word, "'"):
		return ""
	case r.quote == '\'':
		return word
	case r.quote == '"':
		return escape(word, func(c rune) bool { return strings.ContainsRune("$`\"\\", c) })
	}
	return escape(word, func(c rune) bool {
		return c < 0x7f && !strings.ContainsRune("+,-./:=@^_", c) && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
	})
}

func escape(s string, special func(rune) bool) string {
	var b strings.Builder
	for _, c := range s {
		if special(c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
