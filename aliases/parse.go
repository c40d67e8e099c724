package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/ini.v1"
)

// maxName is the length of a name that its pidfile, NAME.pid, can have: NAME_MAX
// of limits.h less some for a temporary file beside it.
const maxName = 200

// Parse reads the text of a profile. It is pure but for src.Env. The error is
// an Errors with everything that is wrong.
func Parse(src Source, text []byte) (*Profile, error) {
	s := scan(src.Path, text)
	file, err := load(s.plain.Bytes())
	if err != nil { // not even the plain text: a defect, but of one file only
		return nil, append(s.errs, &Error{File: src.Path, Text: err.Error()})
	}
	r := reader{src: src, scanner: s, profile: &Profile{File: src.Path, Host: src.Host}}
	r.read(file)
	if len(s.errs) > 0 {
		slices.SortStableFunc(s.errs, func(a, b *Error) int { return a.Line - b.Line })
		return nil, s.errs
	}
	return r.profile, nil
}

// load reads the plain text that a scanner makes. Its continuation lines begin
// with a tab. The buffer has to hold all of it: a value of several lines that
// reaches beyond it is cut (ini v1.67, readPythonMultilines).
func load(plain []byte) (*ini.File, error) {
	return ini.LoadSources(ini.LoadOptions{
		AllowPythonMultilineValues: true,
		IgnoreContinuation:         true,
		IgnoreInlineComment:        true,
		PreserveSurroundedQuote:    true,
		ReaderBufferSize:           len(plain) + 1,
	}, plain)
}

// valueOf gives the value of a key, its lines without their indentation.
func valueOf(key *ini.Key) string { return strings.ReplaceAll(key.Value(), "\n\t", "\n") }

// A reader turns the sections of an INI file into a profile and collects what
// is wrong.
type reader struct {
	*scanner
	src     Source
	profile *Profile
}

func (r *reader) fail(at place, err error) {
	r.errs = append(r.errs, &Error{File: r.src.Path, Line: r.lines[at], Section: at.section, Text: err.Error()})
}

func (r *reader) read(file *ini.File) {
	for _, s := range file.Sections() {
		kind, name, _ := strings.Cut(s.Name(), ":")
		switch {
		case s.Name() == ini.DefaultSection && r.lines[place{section: s.Name()}] == 0:
			// The library's own.
		case s.Name() == "mgr":
			r.roots(s)
		case s.Name() == "defaults" || kind == "group" && name != "":
			// Groups and defaults are read where they are used.
		case kind == "program" && name != "":
			r.program(file, s, name)
		default:
			r.fail(place{section: s.Name()}, fmt.Errorf("unknown section%s",
				Suggest(s.Name(), []string{"mgr", "defaults", "group:NAME", "program:NAME"})))
		}
	}
	if len(r.profile.Programs) == 0 && len(r.errs) == 0 {
		r.errs = append(r.errs, &Error{File: r.src.Path, Text: "names no program: there is no [program:NAME] section"})
	}
	for _, s := range file.Sections() {
		if name, ok := strings.CutPrefix(s.Name(), "group:"); ok {
			r.group(s, name)
		}
	}
}

func (r *reader) roots(s *ini.Section) {
	known := map[string]*string{"conf_dir": &r.profile.ConfDir, "run_dir": &r.profile.RunDir}
	scope := Scope{Vars: r.profile.vars(), Env: r.src.Env}
	for _, key := range s.Keys() {
		at := place{s.Name(), key.Name()}
		dst, ok := known[key.Name()]
		if !ok {
			r.fail(at, unknownKey(key.Name(), sortedKeys(known)))
			continue
		}
		value, err := scope.Expand(valueOf(key))
		if err == nil && !strings.HasPrefix(value, "/") {
			err = fmt.Errorf("%q is no absolute path", value)
		}
		if err != nil {
			r.fail(at, fmt.Errorf("%s: %w", key.Name(), err))
			continue
		}
		*dst = value
	}
}

func unknownKey(name string, known []string) error {
	return fmt.Errorf("unknown key %q%s", clip(name), Suggest(name, known))
}

// program reads one [program:NAME] on top of [defaults].
func (r *reader) program(file *ini.File, s *ini.Section, name string) {
	at := place{section: s.Name()}
	if err := checkName(name); err != nil {
		r.fail(at, err)
		return
	}
	if name == "all" {
		r.fail(at, errors.New(`"all" is the group of all programs`))
	}
	prog := defaultProgram(name)
	prog.Line = r.lines[at]
	if file.HasSection("defaults") {
		r.keys(prog, file.Section("defaults"))
	}
	r.keys(prog, s)
	_, tried := r.lines[place{s.Name(), "command"}]
	if len(prog.Command) == 0 && !tried && !r.broken[s.Name()] && !r.broken["defaults"] {
		r.fail(at, errors.New("no command"))
	}
	r.profile.Programs = append(r.profile.Programs, prog)
}

func (r *reader) keys(prog *Program, s *ini.Section) {
	scope := Scope{Vars: r.profile.Vars(prog, "", ""), Env: r.src.Env}
	for _, key := range s.Keys() {
		at := place{s.Name(), key.Name()}
		set, ok := keys[key.Name()]
		if !ok {
			r.failOnce(at, unknownKey(key.Name(), sortedKeys(keys)))
			continue
		}
		if err := set(prog, strings.TrimSpace(valueOf(key)), scope); err != nil {
			r.failOnce(at, fmt.Errorf("%s: %w", key.Name(), err))
		}
	}
}

// failOnce spares the second program what [defaults] did wrong for the first.
func (r *reader) failOnce(at place, err error) {
	for _, e := range r.errs {
		if e.Line == r.lines[at] && e.Text == err.Error() {
			return
		}
	}
	r.fail(at, err)
}

func (r *reader) group(s *ini.Section, name string) {
	at := place{section: s.Name()}
	if err := checkName(name); err != nil {
		r.fail(at, err)
		return
	}
	if prog := r.profile.exact(name); prog != nil {
		r.fail(at, fmt.Errorf("%q is the program of line %d", name, prog.Line))
	}
	in := map[*Program]bool{}
	for _, key := range s.Keys() {
		at.key = key.Name()
		if key.Name() != "programs" {
			r.fail(at, unknownKey(key.Name(), []string{"programs"}))
			continue
		}
		for _, word := range splitList(key.Value()) {
			prog := r.profile.Program(word)
			if prog == nil {
				r.fail(at, fmt.Errorf("programs: there is no program %q%s", clip(word), Suggest(word, r.profile.Names())))
			}
			in[prog] = true
		}
	}
	if len(in) == 0 && !r.broken[s.Name()] {
		r.fail(place{section: s.Name()}, errors.New("a group without programs"))
	}
	g := Group{Name: name}
	for _, prog := range r.profile.Programs {
		if in[prog] {
			g.Programs = append(g.Programs, prog)
		}
	}
	r.profile.Groups = append(r.profile.Groups, g)
}

// splitList splits at commas, blanks and line ends.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r' })
}

// checkName refuses names that could not be typed, or not be part of a path.
func checkName(name string) error {
	for _, c := range name {
		if unprintable(c) || strings.ContainsRune(`/\*?[]{}!,`, c) {
			return fmt.Errorf("a name cannot hold %q", c)
		}
	}
	switch {
	case strings.HasPrefix(name, "-"), strings.HasPrefix(name, "."):
		return fmt.Errorf("a name cannot begin with %q", name[:1])
	case strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return errors.New("a dot of a name stands between two other characters")
	case len(name) > maxName:
		return fmt.Errorf("a name cannot be longer than %d bytes", maxName)
	}
	return nil
}
