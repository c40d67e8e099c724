package aliases

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unprintable says whether c is a blank of any kind, a control character, or has no glyph.
func unprintable(c rune) bool { return unicode.IsSpace(c) || !unicode.IsGraphic(c) }

// maxWord is the longest word that is looked at: what a glob costs grows with it.
const maxWord = 4096

// checkWord refuses what could be no name.
func checkWord(word string) *NameError {
	switch {
	case word == "":
		return &NameError{word, "a server has a name"}
	case len(word) > maxWord:
		return &NameError{clip(word), "longer than any name or glob of use"}
	case !utf8.ValidString(word), strings.ContainsFunc(word, unprintable):
		return &NameError{word, "a server's name holds no blanks and no control characters"}
	case strings.Contains(word, "/"):
		return &NameError{word, "a server's name holds no slash; a conf is named as in object.1"}
	case strings.HasPrefix(word, "."), strings.HasSuffix(word, "."), strings.Contains(word, ".."):
		return &NameError{word, "a dot stands between a server and the name of its conf"}
	}
	return nil
}

// maxName is the length of a name that its pidfile, NAME.pid, can have: NAME_MAX
// of limits.h less some for a temporary file beside it.
const maxName = 200

// checkName refuses names that could not be typed, or not be part of a path.
func checkName(name string) error {
	for _, c := range name {
		if unprintable(c) || strings.ContainsRune(`/\*?[]{}!,:`, c) {
			return fmt.Errorf("a name cannot hold %q", c)
		}
	}
	switch {
	case strings.HasPrefix(name, "-"), strings.HasPrefix(name, "."):
		return fmt.Errorf("a name cannot begin with %q", name[:1])
	case strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return errors.New("a dot of a name stands between two other characters")
	case len(name) > maxName:
		return fmt.Errorf("a name cannot be longer than %d bytes", maxName)
	}
	return nil
}
