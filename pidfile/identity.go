package pidfile

import (
	"path/filepath"
	"slices"
	"strings"
)

// An Identity is what the command line of a server must be like. It is
// compared with what /proc shows: an optional interpreter and its flags, then
// the command, then its arguments.
type Identity struct {
	// Commands are the names that the command may go by: base names, of the
	// command as configured and of the file that it resolves to.
	Commands []string
	// Interpreters are the base names of the programs that may run the command
	// as a script: what its #! line names. Empty for a binary.
	Interpreters []string
	// File, if not nil, gives more Commands and Interpreters. It is asked where the
	// others do not settle it, for what only a look at the command's file can tell,
	// and may be by several goroutines at once. The error says that there were too few
	// descriptors for that: then who does not match may be the server all the same.
	File func() (commands, interpreters []string, err error)
	// Uninstalled says that the command is not there any more, so that nobody
	// knows what interprets it: any program may, if the rest is right.
	Uninstalled bool
	// Args are the arguments that must follow the command, one list for every
	// way that is as good as another; more arguments may follow. No list at
	// all: any arguments will do.
	//
	// The last of a list names the server's conf. The others may have been edited
	// since the server was started: a process that shows only the last one is the
	// server too if it is older than its pidfile.
	Args [][]string
	// Edited says that no argument names a conf, so that the last one may have been
	// edited as well.
	Edited bool
	// Other, if not nil, says whether arguments are those of another server with
	// the same command, which an edited one must not be taken for.
	Other func(args []string) bool
	// Match, if not nil, is as good as the command line, on the arguments joined
	// by blanks: for programs that rewrite their title sooner or later.
	Match func(title string) bool
	// Executable, if not empty, is the file that the server runs, where that alone
	// tells it from others: what is left of its group runs it as well, whatever
	// title it has.
	Executable string
	// Successors says that the server starts successors of itself, and that its
	// workers do not look like it: a child that does is a server.
	Successors bool
}

// Matches says whether argv is the command line of the server. It is pure.
func (id Identity) Matches(argv []string) bool {
	if id.Match != nil && id.Match(strings.TrimSpace(strings.Join(argv, " "))) {
		return true
	}
	rest, ok := id.afterCommand(argv)
	if !ok {
		return false
	}
	return len(id.Args) == 0 || slices.ContainsFunc(id.Args, func(want []string) bool {
		return len(rest) >= len(want) && slices.EqualFunc(want, rest[:len(want)], sameArg)
	})
}

// afterCommand gives the arguments behind the command.
func (id Identity) afterCommand(argv []string) ([]string, bool) {
	if len(argv) == 0 {
		return nil, false
	}
	if id.names(argv[0]) {
		return argv[1:], true
	}
	if !id.Uninstalled && !id.interprets(filepath.Base(argv[0])) {
		return nil, false
	}
	value := false // the word may be the value of the flag before it
	for i, arg := range argv[1:] {
		switch {
		case strings.HasPrefix(arg, "-"):
			value = len(arg) == 2 && !strings.Contains("cemE", arg[1:]) // those bring code of their own
		case value && !id.names(arg):
			value = false
		default:
			return argv[i+2:], id.names(arg)
		}
	}
	return nil, false
}

// other says whether argv is the command line of another server that has the
// same command.
func (id Identity) other(argv []string) bool {
	rest, ok := id.afterCommand(argv)
	return ok && id.Other != nil && id.Other(rest)
}

func (id Identity) names(arg string) bool {
	base := filepath.Base(arg)
	if slices.Contains(id.Commands, base) {
		return true
	}
	if id.File == nil {
		return false
	}
	more, _, _ := id.File()
	return slices.Contains(more, base)
}

func (id Identity) interprets(base string) bool {
	if slices.Contains(id.Interpreters, base) {
		return true
	}
	if id.File == nil {
		return false
	}
	_, more, _ := id.File()
	return slices.Contains(more, base)
}

// reinterpreted says whether argv is the server's command line, but that another
// version of the interpreter runs the command than its #! line names by now, as after
// an upgrade: python3.11 for python3.12. It gives the identity of that one.
func (id Identity) reinterpreted(argv []string) (Identity, bool) {
	if len(argv) == 0 {
		return id, false
	}
	known, base := id.Interpreters, filepath.Base(argv[0])
	if id.File != nil {
		_, more, _ := id.File()
		known = slices.Concat(known, more)
	}
	family := unversioned(base)
	if family == "" || !slices.ContainsFunc(known, func(name string) bool { return unversioned(name) == family }) {
		return id, false
	}
	id.Interpreters = slices.Concat(id.Interpreters, []string{base})
	return id, id.Matches(argv)
}

func unversioned(name string) string { return strings.TrimRight(name, "0123456789.") }

// sameArg compares two arguments, paths by what they spell: /etc/swift//a.conf
// is /etc/swift/a.conf.
func sameArg(a, b string) bool {
	if a == b {
		return true
	}
	return filepath.IsAbs(a) && filepath.IsAbs(b) && filepath.Clean(a) == filepath.Clean(b)
}

// tells says whether argv runs the server's command and still has the argument that
// names its conf.
func (id Identity) tells(argv []string) bool {
	rest, ok := id.afterCommand(argv)
	return ok && slices.ContainsFunc(id.Args, func(want []string) bool {
		return len(want) > 0 && slices.ContainsFunc(rest, func(arg string) bool { return sameArg(arg, want[len(want)-1]) })
	})
}

// mayBeEdited says whether argv is the server's command with other arguments, as they
// were before the profile was edited, or as a server has them while it re-executes itself.
// Then it is the server if it is older than the pidfile.
func (id Identity) mayBeEdited(argv []string) bool {
	return id.sameCommand(argv) && (id.Edited || id.tells(argv)) && !id.other(argv)
}

// unread is the error of File.
func (id Identity) unread() error {
	if id.File == nil {
		return nil
	}
	_, _, err := id.File()
	return err
}

// sameCommand says whether argv runs the server's command at all.
func (id Identity) sameCommand(argv []string) bool {
	_, ok := id.afterCommand(argv)
	return ok
}
