package manager

import (
	"regexp"
	"strings"
)

// An mdoc is the source of a manual page in the making, mdoc(7).
type mdoc struct {
	strings.Builder
	column int // of the line of words that is begun
}

// line writes a line of its own.
func (d *mdoc) line(parts ...string) {
	d.end()
	for _, part := range parts {
		d.WriteString(part)
	}
	d.WriteByte('\n')
}

// end ends a line of words.
func (d *mdoc) end() {
	if d.column > 0 {
		d.WriteByte('\n')
	}
	d.column = 0
}

// text writes what help says: paragraphs, and lines that are indented, which stay
// as they are.
func (d *mdoc) text(text string) {
	for n, part := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(part, "  ") {
			d.literal(part)
			continue
		}
		if n > 0 {
			d.line(".Pp")
		}
		d.prose(part)
	}
}

func (d *mdoc) literal(text string) {
	d.line(".Bd -literal")
	for line := range strings.SplitSeq(text, "\n") {
		d.line(escaped(strings.TrimPrefix(line, "  ")))
	}
	d.line(".Ed")
}

// note writes what a table says as a sentence.
func (d *mdoc) note(text string) {
	if text[0] != '`' {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	d.prose(strings.TrimSuffix(text, ".") + ".")
}

// prose writes sentences, and `code`.
func (d *mdoc) prose(text string) {
	code := regexp.MustCompile("([(]?)`([^`]*)`([^`\\s]*)")
	at := 0
	for _, m := range code.FindAllStringSubmatchIndex(text, -1) {
		d.words(text[at:m[0]])
		d.code(text[m[2]:m[3]], text[m[4]:m[5]], text[m[6]:m[7]])
		at = m[1]
	}
	d.words(text[at:])
	d.end()
}

// code writes code with the parenthesis before it, and what touches its end: the
// macro places punctuation, and takes all else in.
func (d *mdoc) code(before, code, behind string) {
	if strings.Trim(behind, ".,;:)") != "" {
		d.word(before + `\(oq` + escaped(code) + `\(cq` + escaped(behind))
		return
	}
	args := []string{".Ql"}
	if before != "" {
		args = append(args, before)
	}
	args = append(args, quoted(code))
	for _, c := range behind {
		args = append(args, string(c))
	}
	d.line(strings.Join(args, " "))
}

// words writes words, and each sentence from a line of its own on, as mandoc(1)
// wants them.
func (d *mdoc) words(text string) {
	for _, word := range strings.Fields(text) {
		d.word(escapedWord(word))
		if closed := strings.TrimRight(word, ")"); strings.HasSuffix(closed, ".") || strings.HasSuffix(closed, "?") {
			d.end()
		}
	}
}

// word writes a word, in a line that is not too long for mandoc(1).
func (d *mdoc) word(word string) {
	if d.column > 0 && d.column+1+len(word) > 76 {
		d.end()
	}
	if d.column > 0 {
		word = " " + word
	}
	d.WriteString(word)
	d.column += len(word)
}

// escaped keeps roff(7) from making anything else of a text than it is: a dash is
// a dash, and a quote a quote.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", `...\&`).Replace(text)
}

// escapedWord is a word of prose: only options have dashes that are to be copied.
func escapedWord(word string) string {
	if strings.HasPrefix(word, "-") || strings.HasPrefix(word, "(-") {
		return escaped(word)
	}
	word = strings.NewReplacer(`\`, `\e`, "~", `\(ti`, "…", `...\&`).Replace(word)
	if strings.HasPrefix(word, ".") || strings.HasPrefix(word, "'") {
		return `\&` + word
	}
	return word
}

// quoted is text as one argument of a macro, which takes it for nothing else.
func quoted(text string) string {
	return `"\&` + strings.ReplaceAll(escaped(text), `"`, `\(dq`) + `"`
}
