package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"mgr/aliases"
	"mgr/manager"
)

// permute moves options before words, so that options may stand anywhere: the
// library stops at the first word. Options come out in their long form with
// the value attached, and "--" ends them. It is pure. The error names the first
// option that does not exist, or that lacks its value; the others come out.
//
//	main start -k5 -vq  →  --kill-wait=5 --verbose --quiet -- main start
func permute(args []string, flags []cli.Flag) ([]string, error) {
	var options, words []string
	var bad error
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		take := short
		switch {
		case arg == "--":
			words, args = append(words, args...), nil
			continue
		case strings.HasPrefix(arg, "--"):
			take = long
		case len(arg) < 2 || arg[0] != '-':
			words = append(words, arg)
			continue
		}
		taken, rest, err := take(arg, args, flags)
		if err == nil {
			options, args = append(options, taken...), rest
		} else if bad == nil {
			bad = err
		}
	}
	return slices.Concat(options, []string{"--"}, words), bad
}

// arrange permutes args in the way of the command that they name: -n is short for
// --no-daemon, but for --lines N where the command is about lines. To find out which
// of them is meant it reads args both ways: only in the right one N is not a server.
func arrange(args []string, flags []cli.Flag) ([]string, error) {
	plain, plainErr := permute(args, flags)
	lined, linedErr := permute(args, aboutLines(flags))
	if takesLines(lined) || linedErr != nil && takesLines(plain) {
		return lined, linedErr
	}
	return plain, plainErr
}

// aboutLines is the table of options as a command about lines has it.
func aboutLines(flags []cli.Flag) []cli.Flag {
	flags = slices.Clone(flags)
	for n, f := range flags {
		switch f := f.(type) {
		case *cli.BoolFlag:
			if f.Name == "no-daemon" {
				flags[n] = &cli.BoolFlag{Name: f.Name}
			}
		case *cli.StringFlag:
			if f.Name == "lines" {
				flags[n] = &cli.StringFlag{Name: f.Name, Aliases: []string{"n"}, Usage: f.Usage}
			}
		}
	}
	return flags
}

// takesLines says whether argv, permuted, names a command about lines.
func takesLines(argv []string) bool {
	end := slices.Index(argv, "--")
	if end < 0 {
		return false
	}
	cmd, _, _ := split(argv[end+1:])
	return cmd.AboutLines()
}

// long takes --name, --name=value or --name value, and gives what is left of
// the arguments behind it.
func long(arg string, rest []string, flags []cli.Flag) ([]string, []string, error) {
	name, value, attached := strings.Cut(arg[2:], "=")
	flag := byPrefix(name, flags)
	switch {
	case flag == nil:
		return nil, nil, fmt.Errorf("unknown option --%s%s", name, aliases.Suggest(name, allNames(flags)))
	case attached && !takesValue(flag):
		return nil, nil, fmt.Errorf("option --%s takes no value", name)
	}
	name = "--" + names(flag)[0]
	switch {
	case !takesValue(flag):
		return []string{name}, rest, nil
	case attached:
		return []string{name + "=" + value}, rest, nil
	case len(rest) == 0:
		return nil, nil, fmt.Errorf("option %s needs a value", name)
	}
	return []string{name + "=" + rest[0]}, rest[1:], nil
}

// short takes -a, -abc, -k5, -k=5 or -k 5, as long does.
func short(arg string, rest []string, flags []cli.Flag) ([]string, []string, error) {
	var options []string
	for letters := arg[1:]; letters != ""; letters = letters[1:] {
		flag := byName(letters[:1], flags)
		if flag == nil {
			return nil, nil, fmt.Errorf("unknown option -%s", letters)
		}
		name := "--" + names(flag)[0]
		switch {
		case !takesValue(flag):
			options = append(options, name)
		case len(letters) > 1:
			return append(options, name+"="+strings.TrimPrefix(letters[1:], "=")), rest, nil
		case len(rest) == 0:
			return nil, nil, fmt.Errorf("option -%s (%s) needs a value", letters, name)
		default:
			return append(options, name+"="+rest[0]), rest[1:], nil
		}
	}
	return options, rest, nil
}

func allNames(flags []cli.Flag) []string {
	var all []string
	for _, f := range flags {
		all = append(all, names(f)[0])
	}
	return all
}

// byPrefix finds the option of that name, or the only one whose name begins so,
// as getopt_long(3) and swift-init do.
func byPrefix(name string, flags []cli.Flag) cli.Flag {
	var found cli.Flag
	for _, f := range flags {
		switch long := names(f)[0]; {
		case long == name:
			return f
		case len(name) > 1 && strings.HasPrefix(long, name):
			if found != nil {
				return nil
			}
			found = f
		}
	}
	return found
}

func byName(name string, flags []cli.Flag) cli.Flag {
	for _, f := range flags {
		if slices.Contains(names(f), name) {
			return f
		}
	}
	return nil
}

// given says whether the option of that long name is in argv, permuted.
func given(argv []string, name string) bool {
	for _, arg := range argv {
		option, _, _ := strings.Cut(arg, "=")
		switch option {
		case "--":
			return false
		case "--" + name:
			return true
		}
	}
	return false
}

// names are those of an option, the long one first.
func names(f cli.Flag) []string {
	switch f := f.(type) {
	case *cli.BoolFlag:
		return append([]string{f.Name}, f.Aliases...)
	case *cli.StringFlag:
		return append([]string{f.Name}, f.Aliases...)
	}
	return f.Names()
}

func takesValue(f cli.Flag) bool {
	doc, ok := f.(cli.DocGenerationFlag)
	return ok && doc.TakesValue()
}

// split tells the command from the servers: the last word is the command, and
// if it is none but the first one is, that one, as in swift-init.
func split(words []string) (manager.Command, []string, error) {
	if len(words) == 0 {
		return manager.Command{}, nil, fmt.Errorf("no server and no command")
	}
	last := len(words) - 1
	cmd, ok := manager.Lookup(words[last])
	servers := words[:last]
	if !ok {
		if cmd, ok = manager.Lookup(words[0]); ok {
			servers = words[1:]
		}
	}
	switch {
	case !ok && len(words) == 1:
		return cmd, nil, fmt.Errorf("no command: what is to be done with %q?", words[0])
	case !ok:
		return cmd, nil, noCommand(words[0], words[last])
	case len(servers) == 0 && cmd.ForAll():
		servers = []string{"all"}
	case len(servers) == 0 && !cmd.Bare():
		return cmd, nil, fmt.Errorf("no server: what is to be done %q to?", cmd.Name)
	case len(cmd.Words) > 0 && (len(servers) != 1 || !slices.Contains(cmd.Words, servers[0])):
		return cmd, nil, fmt.Errorf("%q takes one of %s", cmd.Name, strings.Join(cmd.Words, ", "))
	case len(servers) > 0 && len(cmd.Words) == 0 && cmd.Bare():
		return cmd, nil, fmt.Errorf("%q takes no server", cmd.Name)
	}
	return cmd, servers, nil
}

// noCommand says that neither the first nor the last word is a command, and which
// one may have been meant.
func noCommand(first, last string) error {
	near := manager.Suggest(last)
	if other := manager.Suggest(first); near == "" && other != "" {
		return fmt.Errorf("unknown command %q, nor is %q one%s", last, first, other)
	}
	return fmt.Errorf("unknown command %q%s", last, near)
}

// asksHelp says whether words are "help", or "help" and a command. A server of
// that name has to stand behind its command.
func asksHelp(words []string) bool {
	switch len(words) {
	case 1:
		return words[0] == "help"
	case 2:
		_, ok := manager.Lookup(words[1])
		return words[0] == "help" && (ok || words[1] == "help")
	}
	return false
}
