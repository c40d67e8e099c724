package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"mgr/manager"
)

const usage = `mgr starts, stops, reloads and reports on fleets of daemons. It works from what
is on disk and in /proc alone. The built-in profile is OpenStack Swift's.

Usage: mgr [options] SERVER... COMMAND [options]
       mgr [options] COMMAND SERVER... [options]

SERVER is a program (object-server, or object for short), a group (all, main,
rest) or a glob (object-*, {account,container}-*), with or without the name of
a conf: object.1 is object-server with object-server/1.conf.

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
	b.WriteString("\n`mgr help COMMAND` says more.\n\nOptions, anywhere:\n")
	for _, f := range describe(flags) {
		b.WriteString(flagHelp(f))
	}
	b.WriteString("\n" + wrap("Exit status: "+exits(manager.Exits)+". Of status: "+exits(manager.StatusExits)+"."))
	return b.String()
}

func commandHelp(cmd manager.Command) string {
	return fmt.Sprintf("mgr %s [options]: %s\n\n%s\n\n`mgr --help` lists the options.\n", cmd.Syntax(), cmd.Help, cmd.Long)
}

// flagHelp is the help line of an option: -k, --kill-wait SECONDS   wait …
func flagHelp(f manager.Flag) string {
	syntax := f.Syntax()
	if f.Short == "" {
		syntax = "    " + syntax
	}
	text := f.Help
	if f.Env != "" {
		text += " ($" + f.Env + ")"
	}
	return fmt.Sprintf("  %-28s %s\n", syntax, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 31)))
}

// exits lists exit statuses, the lowest first: 0 all run; 1 some are dead.
func exits(table []manager.Exit) string {
	table = slices.SortedStableFunc(slices.Values(table), func(a, b manager.Exit) int {
		return cmp.Or(len(a.Status)-len(b.Status), strings.Compare(a.Status, b.Status))
	})
	var list []string
	for _, e := range table {
		if e.Short != "" {
			list = append(list, e.Status+" "+e.Short)
		}
	}
	return strings.Join(list, "; ")
}

// wrap breaks text into lines of at most 80 columns.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > 80:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}
