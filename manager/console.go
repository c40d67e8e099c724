package manager

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// A Console is the one way out for every word that the user reads: events to
// stdout, in swift-init's words where it has them; errors and warnings to
// stderr, "mgr: " first; a hint on a line of its own behind them. Control
// characters, which a conf's name or a server's output may hold, are escaped.
//
// Errors in writing end nothing: a closed pipe (mgr … | head) must not leave a job
// half done. Flush returns them to whoever has to know.
type Console struct {
	out    *bufio.Writer
	err    io.Writer
	fd     int  // that out is; -1: it is no file
	silent bool // nothing on stdout: -q, or the JSON document alone
	color  bool
	screen *screen
	line   []byte // Say's, used again
}

// NewConsole writes to out and err, which are the terminal t, if they are one.
func NewConsole(out, err io.Writer, t Terminal) *Console {
	c := &Console{screen: &screen{terminal: t, w: out}, fd: -1}
	if f, ok := out.(interface{ Fd() uintptr }); ok {
		c.fd = int(f.Fd())
	}
	if t.Live {
		out, err = c.screen.over(out), c.screen.over(err)
	}
	c.out, c.err = bufio.NewWriter(out), err
	return c
}

// Say prints an event.
func (c *Console) Say(format string, args ...any) {
	if c.silent {
		return
	}
	c.line = fmt.Appendf(c.line[:0], format, args...)
	if !plainASCII(c.line) {
		c.line = append(c.line[:0], printable(string(c.line))...)
	}
	c.line = append(c.line, '\n')
	c.out.Write(c.line)
}

// Paint prints an event in the colour that the terminal has for it.
func (c *Console) Paint(color, format string, args ...any) {
	if c.silent || !c.color {
		c.Say(format, args...)
		return
	}
	fmt.Fprintf(c.out, "\x1b[%sm%s\x1b[0m\n", color, printable(fmt.Sprintf(format, args...)))
}

// colored is text in a colour, "" standing for none.
func (c *Console) colored(color, text string) string {
	if color == "" || !c.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// The colours of states, as SGR parameters.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
)

// Print prints text that is no event: help, tables, documents.
func (c *Console) Print(text string) { io.WriteString(c.out, text) }

// Show prints the output of a server, line by line, each behind prefix: the last so
// many lines of it, or all (0).
func (c *Console) Show(prefix string, output []byte, most int) {
	lines := slices.Collect(strings.Lines(string(output)))
	if most > 0 && len(lines) > most {
		c.Say("%s... (there was more before)", prefix)
		lines = lines[len(lines)-most:]
	}
	for _, line := range lines {
		c.Say("%s%s", prefix, strings.TrimRight(line, "\r\n"))
	}
}

// ShowErr prints output that belongs to an error, line by line, each behind
// prefix, where errors go.
func (c *Console) ShowErr(prefix string, output []byte) {
	c.Flush()
	for line := range strings.Lines(string(output)) {
		fmt.Fprintln(c.err, printable(prefix+strings.TrimRight(line, "\r\n")))
	}
}

// Line prints a line of a log behind a prefix in its colour. It is what was asked
// for, so that -q does not silence it.
func (c *Console) Line(color, prefix string, line []byte) {
	if c.color && prefix != "" {
		prefix = "\x1b[" + color + "m" + prefix + "\x1b[0m"
	}
	c.out.WriteString(prefix)
	c.out.WriteString(printable(string(line)))
	c.out.WriteByte('\n')
}

// Broken flushes, and says whether nobody reads what is printed any more: a command
// that goes on until it is interrupted ends then.
func (c *Console) Broken() bool { return c.out.Flush() != nil }

// Warn prints an error or a warning.
func (c *Console) Warn(format string, args ...any) {
	c.Flush()
	fmt.Fprintln(c.err, "mgr: "+printable(fmt.Sprintf(format, args...)))
}

// Hint prints what may help with the error before it.
func (c *Console) Hint(format string, args ...any) {
	c.Flush()
	fmt.Fprintln(c.err, "  "+printable(fmt.Sprintf(format, args...)))
}

// Flush writes out what was said. It is called before every wait. The error is the
// first one that there was in writing.
func (c *Console) Flush() error { return c.out.Flush() }

// Printed gives the status of a command that is there for what it prints: if that
// could not all be written, it says so, and success becomes lost. A reader who has
// had enough (mgr … | head) is no failure.
func (c *Console) Printed(status, lost int) int {
	err := c.Flush()
	if err == nil || errors.Is(err, unix.EPIPE) {
		return status
	}
	c.Warn("not all of it could be printed: %v", cause(err))
	if status == OK {
		return lost
	}
	return status
}

// printable escapes the characters that a terminal does not show, or obeys.
func printable(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			q := fmt.Sprintf("%+q", string(r))
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainASCII is a quick test that nearly every line passes: nothing in it has to be
// escaped.
func plainASCII(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func hidden(r rune) bool { return r != '\t' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) }
