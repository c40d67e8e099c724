package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"mgr/aliases"
	"mgr/manager"
)

// flags are the options. Parsing and help are made of this table.
func flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say more"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "only errors and warnings"},
		&cli.BoolFlag{Name: "no-wait", Aliases: []string{"w"}, Usage: "start: do not wait until ready"},
		&cli.BoolFlag{Name: "once", Aliases: []string{"o"}, Usage: "start: run one pass of programs that can"},
		&cli.BoolFlag{Name: "no-daemon", Aliases: []string{"n"}, Usage: "start: stay in the foreground"},
		&cli.BoolFlag{Name: "graceful", Aliases: []string{"g"}, Usage: "stop: finish requests in progress"},
		&cli.StringFlag{Name: "config-num", Aliases: []string{"c"}, Usage: "only the `N`th conf of each server"},
		&cli.StringFlag{Name: "kill-wait", Aliases: []string{"k"}, Usage: "wait `SECONDS` for a stop (default: stopwaitsecs)"},
		&cli.BoolFlag{Name: "kill-after-timeout", Usage: "then kill the server and its workers"},
		&cli.StringFlag{Name: "serial", Usage: "restart, reload: `N` instances at a time, 0: all"},
		&cli.StringFlag{Name: "pause", Usage: "with --serial: `SECONDS` in between"},
		&cli.BoolFlag{Name: "stale", Usage: "restart, reload: only what runs with an\nolder conf or command than on disk"},
		&cli.StringFlag{Name: "wait-drained", Usage: "reload-seamless: wait `SECONDS` for old workers"},
		&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "logs: follow them until interrupted"},
		&cli.StringFlag{Name: "lines", Usage: "logs: the last `N` lines of each (default 50);\nwith logs also -n N"},
		&cli.StringFlag{Name: "watch", Usage: "stats: repeat every `SECONDS` until interrupted"},
		&cli.StringFlag{Name: "lock-wait", Usage: "wait `SECONDS` for another mgr (default 30)"},
		&cli.GenericFlag{Name: "except", Aliases: []string{"x"}, Value: new(list), Usage: "leave out `SERVER`; repeatable"},
		&cli.BoolFlag{Name: "strict", Usage: "a missing conf is an error (default\nif every word names a program)"},
		&cli.BoolFlag{Name: "non-strict", Usage: "a missing conf is no error"},
		&cli.StringFlag{Name: "run-dir", Aliases: []string{"r"}, EnvVars: []string{"MGR_RUN_DIR"}, Usage: "pidfiles are below `DIR`"},
		&cli.StringFlag{Name: "conf-dir", EnvVars: []string{"MGR_CONF_DIR"}, Usage: "confs are below `DIR`"},
		&cli.StringFlag{Name: "profile", EnvVars: []string{"MGR_PROFILE"}, Usage: "read the programs from `FILE`"},
		&cli.BoolFlag{Name: "all", Usage: "status: all rows, even if they do not fit"},
		&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done and do nothing"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON document instead"},
		&cli.GenericFlag{Name: "color", Value: &choice{"auto", []string{"auto", "always", "never"}}, Usage: "colour `WHEN`: auto, always or never"},
		&cli.BoolFlag{Name: "compat", Usage: "behave as swift-init does"},
		&cli.BoolFlag{Name: "version", Usage: "print the version"},
		&cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "print this help, or that of a command"},
	}
}

// A list is the value of an option that may be repeated. Unlike the library's own
// it splits nothing: {a,b} is one glob.
type list []string

// Set adds a value.
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func (l *list) String() string { return strings.Join(*l, " ") }

// A choice is the value of an option that takes one of several words. Whoever
// reads it says what is wrong with another.
type choice struct {
	word string
	of   []string
}

// Set keeps the word.
func (c *choice) Set(word string) error {
	c.word = word
	return nil
}

func (c *choice) String() string { return c.word }

// describe gives the table of options as data.
func describe(flags []cli.Flag) []manager.Flag {
	var out []manager.Flag
	for _, f := range flags {
		doc := f.(cli.DocGenerationFlag)
		called := names(f)
		row := manager.Flag{Name: called[0]}
		row.Value, row.Help = placeholder(doc.GetUsage())
		if len(called) > 1 {
			row.Short = called[1]
		}
		if env := doc.GetEnvVars(); len(env) > 0 {
			row.Env = env[0]
		}
		if g, ok := f.(*cli.GenericFlag); ok {
			if c, ok := g.Value.(*choice); ok {
				row.Values = c.of
			}
		}
		out = append(out, row)
	}
	return out
}

// placeholder takes the `NAME` of the value out of an option's usage.
func placeholder(text string) (value, plain string) {
	before, rest, ok := strings.Cut(text, "`")
	if !ok {
		return "", text
	}
	value, after, _ := strings.Cut(rest, "`")
	return value, before + value + after
}

// parse reads what permute has put in order. The library would do so too, but only
// within a frame of commands and help that costs as much as all else that mgr does
// before it begins. It is told of no option that is not there: for each name that it
// takes in or looks for, it runs a regular expression.
func parse(argv []string, flags []cli.Flag) (*cli.Context, error) {
	set := flag.NewFlagSet("mgr", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors and help are ours
	flags = slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool { return !hasValue(f) && !given(argv, names(f)[0]) })
	var errs []error
	for _, f := range flags {
		errs = append(errs, f.Apply(set))
	}
	errs = append(errs, set.Parse(argv))
	return cli.NewContext(&cli.App{Flags: flags}, set, nil), errors.Join(errs...)
}

// hasValue says whether the option may have a value without being given.
func hasValue(f cli.Flag) bool {
	if _, is := f.(*cli.GenericFlag); is {
		return true
	}
	return len(f.(cli.DocGenerationFlag).GetEnvVars()) > 0
}

// options reads the options of the command line.
func options(c *cli.Context) (manager.Options, error) {
	o := manager.Options{
		Compat: c.Bool("compat"), Verbose: c.Bool("verbose"), Quiet: c.Bool("quiet"), JSON: c.Bool("json"),
		DryRun: c.Bool("dry-run"), NoWait: c.Bool("no-wait"), Once: c.Bool("once"), Foreground: c.Bool("no-daemon"),
		Graceful: c.Bool("graceful"), Stale: c.Bool("stale"), All: c.Bool("all"), Kill: c.Bool("kill-after-timeout"), Except: *c.Generic("except").(*list),
		LockWait: 30 * time.Second, Follow: c.Bool("follow"),
	}
	if c.Bool("strict") && c.Bool("non-strict") {
		return o, errors.New("--strict and --non-strict exclude each other")
	}
	if strict := c.Bool("strict"); strict || c.Bool("non-strict") {
		o.Strict = &strict
	}
	var err error
	if o.Number, err = number(c, o.Compat); err != nil {
		return o, err
	}
	var wait time.Duration
	for _, option := range []struct {
		name string
		dst  *time.Duration
	}{{"lock-wait", &o.LockWait}, {"kill-wait", &wait}, {"pause", &o.Pause}, {"wait-drained", &o.Drain}, {"watch", &o.Watch}} {
		if !c.IsSet(option.name) {
			continue
		}
		if *option.dst, err = aliases.ParseSeconds(c.String(option.name)); err != nil {
			return o, fmt.Errorf("--%s: %w", option.name, err)
		}
	}
	if c.IsSet("kill-wait") {
		o.KillWait = &wait
	}
	if err := errors.Join(serial(c, &o), reports(c, &o)); err != nil {
		return o, err
	}
	o.Color, err = colored(c.String("color"))
	return o, err
}

// serial reads what makes a restart a rolling one.
func serial(c *cli.Context, o *manager.Options) error {
	if !c.IsSet("serial") {
		if c.IsSet("pause") {
			return errors.New("--pause goes with --serial")
		}
		return nil
	}
	n, err := strconv.Atoi(c.String("serial"))
	if err != nil || n < 0 {
		return fmt.Errorf("--serial: %q is no number of instances, 0 or more", c.String("serial"))
	}
	o.Serial = &n
	return nil
}

// reports reads the options of logs and stats.
func reports(c *cli.Context, o *manager.Options) error {
	if c.IsSet("watch") && o.Watch == 0 {
		return errors.New("--watch: there has to be time in between")
	}
	if !c.IsSet("lines") {
		return nil
	}
	n, err := strconv.Atoi(c.String("lines"))
	if err != nil || n < 0 {
		return fmt.Errorf("--lines: %q is no number of lines, 0 or more", c.String("lines"))
	}
	o.Lines = &n
	return nil
}

func number(c *cli.Context, compat bool) (int, error) {
	if !c.IsSet("config-num") {
		return 0, nil
	}
	text := c.String("config-num")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 && !(compat && n == 0) {
		return 0, fmt.Errorf("--config-num: %q is no number of a conf: they count from 1", text)
	}
	return n, nil
}

// colored says whether to colour: https://no-color.org.
func colored(when string) (bool, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stdout.Fd())), nil
	}
	return false, fmt.Errorf("--color: %q is none of auto, always and never", when)
}

// terminal says what stdout and stderr are.
func terminal() manager.Terminal {
	var t manager.Terminal
	out := int(os.Stdout.Fd())
	if !term.IsTerminal(out) {
		return t
	}
	var err error
	if t.Columns, t.Rows, err = term.GetSize(out); err != nil || t.Columns < 1 {
		t.Columns, t.Rows = 80, 24 // a serial line, say, does not know
	}
	t.Live = os.Getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stderr.Fd()))
	columns := t.Columns
	t.Now = func() int { return columnsNow(out, columns) }
	return t
}

// columnsNow are the columns that the terminal has now, or else as many as it had; 0
// if mgr is not in its foreground, tcgetpgrp(3).
func columnsNow(fd, had int) int {
	if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && group != unix.Getpgrp() {
		return 0
	}
	if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
		return columns
	}
	return had
}
