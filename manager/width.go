package manager

import (
	"strings"
	"unicode"

	eastasian "golang.org/x/text/width"
)

// width is how many columns of a terminal a text takes that printable has let pass:
// two for a wide character (UAX #11), none for one that goes onto the one before.
func width(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case r <= '~':
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch eastasian.LookupRune(r).Kind() {
	case eastasian.EastAsianWide, eastasian.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut gives as much of text as so many columns hold, and the rest.
func cut(text string, columns int) (head, rest string) {
	for at, r := range text {
		if columns -= columnsOf(r); columns < 0 {
			return text[:at], text[at:]
		}
	}
	return text, ""
}

// fit shortens text to so many columns, and shows that it did.
func fit(text string, columns int) string {
	if width(text) <= columns {
		return text
	}
	head, _ := cut(text, columns-1)
	return head + "…"
}

// padded fills text up to so many columns.
func padded(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

// wrapped breaks text into lines of so many columns, at blanks where there are some,
// each behind two blanks if there is room for them.
func wrapped(text string, columns int) []string {
	indent := "  "
	if columns < 20 {
		indent = ""
	}
	var out []string
	at := indent
	for word := range strings.FieldsSeq(text) {
		if at != indent && width(at)+1+width(word) > columns {
			out, at = append(out, at), indent
		}
		if at != indent {
			at += " "
		}
		at += word
		for room := max(columns, 2); width(at) > room; { // a wide character takes two
			head, rest := cut(at, room)
			out, at = append(out, head), indent+rest
		}
	}
	return append(out, at)
}
