package main

import (
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"mgr/manager"
)

// completeWord is the command that the scripts of `mgr completion` call:
//
//	mgr __complete SHELL LINE [TEXT]
//
// LINE is the command line as far as the cursor, as it was typed. It prints what
// the word at the cursor may become, one candidate a line, with a tab and what it
// is behind it; for bash, which has TEXT in the place of that word, what TEXT may
// become, in bash's quotes. Instead of a candidate, `/files` and `/directories`
// say that paths are wanted, behind what follows the tab; no candidate has a
// slash. It starts and signals nothing, takes no lock, and where there is
// anything wrong it prints nothing.
const completeWord = "__complete"

// complete is mgr __complete.
func complete(args []string) string {
	if len(args) < 2 {
		return ""
	}
	line := splitLine(args[1])
	if len(line.words) == 0 {
		return ""
	}
	list := understand(line).candidates()
	if args[0] == "bash" && len(args) > 2 {
		list = forBash(line, args[2], list)
	}
	var b strings.Builder
	for _, c := range list {
		if !strings.ContainsFunc(c.word, breaks) {
			b.WriteString(c.word + "\t" + strings.Map(harmless, c.help) + "\n")
		}
	}
	return b.String()
}

// breaks says whether a character would break the answer: end a line or a field of it,
// or act on the terminal. A blank of any kind does not, whereas package manager, whose
// lines are for reading, escapes all but the usual one.
func breaks(c rune) bool { return !unicode.IsGraphic(c) }

// harmless puts a question mark in the place of what breaks the answer, as a path may
// have it.
func harmless(c rune) rune {
	if breaks(c) {
		return '?'
	}
	return c
}

// forBash leaves out what does not begin with the word, which other shells see
// to themselves, and gives the others as bash inserts them.
func forBash(line commandLine, text string, list []candidate) []candidate {
	r, ok := line.replaced(text)
	if !ok {
		return nil
	}
	var out []candidate
	for _, c := range list {
		switch {
		case c.word == files || c.word == directories:
			out = append(out, candidate{c.word, strings.TrimPrefix(c.help, r.head)})
		case strings.HasPrefix(c.word, line.current):
			if word := r.insert(c.word); word != "" {
				out = append(out, candidate{word, c.help})
			}
		}
	}
	return out
}

// A candidate is what a word may become, and what that is.
type candidate struct{ word, help string }

// What stands in the place of candidates where paths are wanted.
const (
	files       = "/files"
	directories = "/directories"
)

// A completion is a command line that is half typed, as mgr understands it.
type completion struct {
	table   []cli.Flag // the options, for the command
	flags   []manager.Flag
	argv    []string        // the options that are complete, as permute has them
	options *cli.Context    // the same
	given   map[string]bool // by name
	words   []string        // the words so far: servers, and perhaps a command
	current string          // what the cursor is at
	ended   bool            // a "--" has ended the options
	value   *manager.Flag   // the option whose value the cursor is at, or nil
	prefix  string          // of current, before that value: --profile=
}

// understand reads the words before the cursor, as arrange does.
func understand(line commandLine) *completion {
	c := read(line, flags())
	cmd, ok := c.first()
	if !ok {
		cmd, ok = c.last()
	}
	if ok && cmd.AboutLines() {
		return read(line, aboutLines(flags()))
	}
	return c
}

// read reads the words before the cursor, as permute does, and passes over what
// is wrong with them.
func read(line commandLine, table []cli.Flag) *completion {
	c := &completion{table: table, flags: describe(flags()), current: line.current, given: map[string]bool{}}
	args := line.words[1:]
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		take := short
		switch {
		case c.ended || len(arg) < 2 || arg[0] != '-':
			c.words = append(c.words, arg)
			continue
		case arg == "--":
			c.ended = true
			continue
		case arg[1] == '-':
			take = long
		}
		taken, rest, err := take(arg, args, c.table)
		if err == nil {
			c.argv, args = append(c.argv, taken...), rest
		} else if len(args) == 0 {
			c.value = c.valueOf(arg)
		}
	}
	if c.value == nil && !c.ended {
		c.attached()
	}
	for _, option := range c.argv {
		name, _, _ := strings.Cut(option[2:], "=")
		c.given[name] = true
	}
	c.options, _ = parse(c.argv, flags())
	return c
}

// valueOf gives the option that takes the argument behind arg for its value, or
// nil.
func (c *completion) valueOf(arg string) *manager.Flag {
	with, _, err := c.take(arg, "value")
	if _, _, alone := c.take(arg); err != nil || alone == nil {
		return nil
	}
	name, _, _ := strings.Cut(with[len(with)-1][2:], "=")
	return c.flag(name)
}

// take takes arg as permute does.
func (c *completion) take(arg string, rest ...string) ([]string, []string, error) {
	if strings.HasPrefix(arg, "--") {
		return long(arg, rest, c.table)
	}
	return short(arg, rest, c.table)
}

func (c *completion) flag(name string) *manager.Flag {
	n := slices.IndexFunc(c.flags, func(f manager.Flag) bool { return f.Name == name })
	if n < 0 {
		return nil
	}
	return &c.flags[n]
}

// attached finds out whether the word at the cursor is an option with its value:
// --profile=FILE, -kSECONDS.
func (c *completion) attached() {
	if len(c.current) < 3 || c.current[0] != '-' {
		return
	}
	taken, _, err := c.take(c.current)
	if err != nil {
		return
	}
	name, value, ok := strings.Cut(taken[len(taken)-1][2:], "=")
	if ok {
		c.value = c.flag(name)
		c.prefix = strings.TrimSuffix(c.current, value)
	}
}
