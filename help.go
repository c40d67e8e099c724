package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"mgr/manager"
)

const usage = `mgr starts, stops, reloads and reports on fleets of daemons, from nothing but
what is on disk and in /proc. The built-in profile is OpenStack Swift's.

Usage: mgr [options] SERVER... COMMAND [options]
       mgr [options] COMMAND SERVER... [options]

SERVER is a program (object-server, or short object), a group (all, main, rest),
or a glob (object-*, {account,container}-*), each with or without the name of
a conf: object.1 is object-server with object-server/1.conf.

`

const exits = `
Exit status: 0 the requested state holds; 1 it does not; 2 bad usage, nothing
was touched; 128 + signal if interrupted. Of status: 0 all run; 1 some are dead
with a pidfile left; 3 some are not running; 4 it cannot be told.
`

// help is the text of --help: of a command if words name one.
func help(words []string, flags []cli.Flag) string {
	for _, word := range words {
		if cmd, ok := manager.Lookup(word); ok {
			return commandHelp(cmd)
		}
	}
	var b strings.Builder
	b.WriteString(usage + "Commands:\n")
	for _, cmd := range manager.Commands() {
		fmt.Fprintf(&b, "  %-16s %s\n", cmd.Name, cmd.Help)
	}
	b.WriteString("\n`mgr COMMAND --help` tells more.\n\nOptions, anywhere:\n")
	for _, f := range flags {
		b.WriteString(flagHelp(f))
	}
	b.WriteString(exits)
	return b.String()
}

func commandHelp(cmd manager.Command) string {
	servers := "SERVER... "
	switch {
	case cmd.Bare():
		servers = ""
	case cmd.ForAll():
		servers = "[SERVER...] "
	}
	return fmt.Sprintf("mgr %s%s [options]: %s\n\n%s\n\n`mgr --help` lists the options.\n", servers, cmd.Name, cmd.Help, cmd.Long)
}

// flagHelp is the help line of an option: -k, --kill-wait SECONDS   wait …
func flagHelp(f cli.Flag) string {
	doc := f.(cli.DocGenerationFlag)
	value, text := placeholder(doc.GetUsage())
	names := "    "
	if len(f.Names()) > 1 {
		names = "-" + f.Names()[1] + ", "
	}
	names += "--" + f.Names()[0]
	if value != "" {
		names += " " + value
	}
	if env := doc.GetEnvVars(); len(env) > 0 {
		text += " ($" + env[0] + ")"
	}
	return fmt.Sprintf("  %-28s %s\n", names, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 31)))
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
