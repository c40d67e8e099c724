package server

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"mgr/aliases"
	"mgr/pidfile"
)

// A command is what is known of the first word of a program's command line.
type command struct {
	path  string                                           // where it is; "" if it is not installed
	err   error                                            // why it is not
	names []string                                         // the base name that it is called by
	file  func() file                                      // what is at path; looked at once, where the name does not tell
	more  func() (names, interpreters []string, err error) // of file, as an Identity wants them

	script func() error // why what its #! line names cannot run it; looked at once
}

// A file is what is known of the file of a command.
type file struct {
	names        []string // other base names that it may go by
	interpreters []string // what its #! line names
	binary       string   // where it is, no links on the way; "" if it is a script
	err          error    // there were too few descriptors to look at it
}

// look finds a command on PATH, once.
func (f *Fleet) look(word string) *command {
	if c := f.looks[word]; c != nil {
		return c
	}
	c := &command{names: []string{filepath.Base(word)}}
	c.path, c.err = exec.LookPath(word)
	c.file = sync.OnceValue(func() file { return lookAt(c.path) })
	c.script = sync.OnceValue(func() error {
		head, err := headOf(c.path)
		if err == nil {
			_, err = interpreterOf(head)
		}
		return err
	})
	c.more = func() (names, interpreters []string, err error) {
		at := c.file()
		return at.names, at.interpreters, at.err
	}
	if f.looks == nil {
		f.looks = map[string]*command{}
	}
	f.looks[word] = c
	return c
}

// lookAt looks at the file of a command, "" standing for none.
func lookAt(path string) file {
	if path == "" {
		return file{}
	}
	var f file
	real, err := filepath.EvalSymlinks(path)
	if base := filepath.Base(real); err == nil && base != filepath.Base(path) {
		f.names = []string{base}
	}
	f.interpreters, err = interpreters(path)
	switch {
	case pidfile.Scarce(err):
		f.err = err
	case f.interpreters == nil:
		f.binary = real
	}
	return f
}

// words fills in the variables of words for one instance.
func (f *Fleet) words(p *aliases.Program, words []string, u aliases.Unit) ([]string, error) {
	scope := f.Profile.Scope(p, u, f.getenv)
	out := make([]string, len(words))
	for n, word := range words {
		var err error
		if out[n], err = scope.Expand(word); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (f *Fleet) getenv(name string) (string, bool) {
	for _, pair := range f.Env {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// Command gives the path of the instance's command and its words, the command
// first. The error says why the command cannot be found.
func (i *Instance) Command() (path string, argv []string, err error) {
	argv, err = i.fleet.words(i.Program, i.Program.Command, i.unit())
	if err != nil {
		return "", nil, err
	}
	c := i.fleet.look(argv[0])
	return c.path, argv, c.err
}

// identity is what the process of the instance must look like.
func (i *Instance) identity() (pidfile.Identity, error) {
	id := pidfile.Identity{Successors: i.Program.RetireSignal != 0}
	if err := i.allow(&id, i.unit()); err != nil {
		return id, err
	}
	for _, c := range i.alt {
		u := i.unit()
		u.Conf, u.ConfName = c.Path, c.Label()
		if err := i.allow(&id, u); err != nil {
			return id, err
		}
	}
	switch {
	case i.Program.Numbered():
		id.Other = i.sibling
	case i.Conf != "":
		id.Other = i.anothers
	}
	return id, i.match(&id)
}

// allow has id know the command line that u would have.
func (i *Instance) allow(id *pidfile.Identity, u aliases.Unit) error {
	argv, err := i.fleet.words(i.Program, i.Program.Command, u)
	if err != nil {
		return err
	}
	c := i.fleet.look(argv[0])
	id.Commands, id.File, id.Uninstalled = c.names, c.more, c.path == ""
	args := upToConf(argv[1:], u.Conf)
	if args == nil { // nothing but its arguments tells it from others
		args, id.Edited = argv[1:], true
	}
	id.Args = append(id.Args, args)
	return nil
}

// sibling says whether args are those of another process of the program.
func (i *Instance) sibling(args []string) bool {
	for _, proc := range i.Program.Processes() {
		if proc.Num == i.num {
			continue
		}
		other, err := i.fleet.process(i.Program, proc)
		if err != nil {
			return true // it cannot be told
		}
		argv, err := i.fleet.words(i.Program, i.Program.Command, other.unit())
		if err != nil || slices.Equal(argv[1:], args) {
			return true
		}
	}
	return false
}

// anothers says whether args are those of another program that has the same command,
// with the conf of i.
func (i *Instance) anothers(args []string) bool {
	others, err := i.namesakes()
	return err != nil || slices.ContainsFunc(others, func(argv []string) bool { // err: it cannot be told
		want := upToConf(argv[1:], i.Conf)
		return len(want) > 0 && len(want) <= len(args) && slices.Equal(want, args[:len(want)])
	})
}

// namesakes gives the command lines that other programs with confs would have for the
// conf of i, of those that have the same command.
func (i *Instance) namesakes() ([][]string, error) {
	own := i.Program.Command[0]
	var out [][]string
	for _, p := range i.fleet.Profile.Programs {
		word := p.Command[0]
		if p == i.Program || len(p.Conf) == 0 || filepath.Base(word) != filepath.Base(own) && !strings.Contains(own+word, "%") {
			continue
		}
		argv, err := i.fleet.words(p, p.Command, i.unit())
		if err != nil {
			return nil, err
		}
		out = append(out, argv)
	}
	return out, nil
}

func (i *Instance) match(id *pidfile.Identity) error {
	if i.Program.Match == "" {
		return nil
	}
	id.Executable = i.matched()
	matches, err := i.glob(i.Program.Match)
	id.Match = matches
	return err
}

// matched is the file that a process runs which matches the program's pattern, "" if
// that cannot be told. The pattern has to name the file: that a process runs an
// interpreter tells nothing of it. Where it begins with a path, that is the file, of a
// server that the command only starts perhaps, as postfix does master.
func (i *Instance) matched() string {
	words, err := i.fleet.words(i.Program, i.Program.Command[:1], i.unit())
	if err != nil {
		return ""
	}
	own := i.fleet.look(words[0]).file()
	if own.err != nil {
		return "" // as File of the Identity says
	}
	first, _, _ := strings.Cut(i.Program.Match, " ")
	if filepath.IsAbs(first) && !strings.ContainsAny(first, `*?[]{}\%`) && !slices.Contains(own.interpreters, filepath.Base(first)) {
		return i.fleet.look(first).file().binary
	}
	if strings.Contains(i.Program.Match, filepath.Base(words[0])) {
		return own.binary
	}
	return ""
}

// glob fills in the variables of a glob and compiles it.
func (i *Instance) glob(text string) (func(string) bool, error) {
	u := i.unit()
	u.Conf, u.ConfName, u.Pidfile = aliases.QuoteGlob(u.Conf), aliases.QuoteGlob(u.ConfName), aliases.QuoteGlob(u.Pidfile)
	words, err := i.fleet.words(i.Program, []string{text}, u)
	if err != nil {
		return nil, err
	}
	return aliases.CompileGlob(words[0])
}

// Untested says whether what a checkcommand has written means that it knows no
// such test, so that nothing is known of the conf.
func (c *Child) Untested() bool {
	if c.Instance.Program.CheckAbsent == "" {
		return false
	}
	matches, err := c.Instance.glob(c.Instance.Program.CheckAbsent)
	return err == nil && matches(string(c.Output))
}

// upToConf gives the arguments up to the one that names the conf: those behind
// it may have changed since the server was started.
func upToConf(args []string, conf string) []string {
	if conf == "" {
		return nil
	}
	n := slices.IndexFunc(args, func(arg string) bool { return strings.Contains(arg, conf) })
	if n < 0 {
		return nil
	}
	return args[:n+1]
}
