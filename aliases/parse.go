package aliases

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/ini.v1"
)

// options pin how a profile is read: as Python's configparser reads a
// supervisord.conf, continuation lines and inline comments included.
var options = ini.LoadOptions{
	AllowPythonMultilineValues: true,
	IgnoreContinuation:         true,
	SpaceBeforeInlineComment:   true,
	PreserveSurroundedQuote:    true,
}

// Parse reads the text of a profile. It is pure but for src.Env. The error is
// an Errors with everything that is wrong.
func Parse(src Source, text []byte) (*Profile, error) {
	lines, errs := scan(src.Path, text)
	if len(errs) > 0 {
		return nil, errs
	}
	file, err := ini.LoadSources(options, text)
	if err != nil {
		return nil, Errors{{File: src.Path, Text: err.Error()}}
	}
	r := reader{src: src, lines: lines, profile: &Profile{File: src.Path, Host: src.Host}}
	r.read(file)
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b *Error) int { return a.Line - b.Line })
		return nil, r.errs
	}
	return r.profile, nil
}

// A reader turns the sections of an INI file into a profile and collects what
// is wrong.
type reader struct {
	src     Source
	lines   map[place]int
	profile *Profile
	errs    Errors
}

// A place is a section, or a key of one.
type place struct{ section, key string }

func (r *reader) fail(at place, err error) {
	r.errs = append(r.errs, &Error{File: r.src.Path, Line: r.lines[at], Section: at.section, Text: err.Error()})
}

func (r *reader) read(file *ini.File) {
	for _, s := range file.Sections() {
		kind, name, _ := strings.Cut(s.Name(), ":")
		switch {
		case s.Name() == ini.DefaultSection && len(s.Keys()) == 0:
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
	scope := Scope{Vars: r.profile.Vars(&Program{}, "", ""), Env: r.src.Env}
	for _, key := range s.Keys() {
		at := place{s.Name(), key.Name()}
		dst, ok := known[key.Name()]
		if !ok {
			r.fail(at, fmt.Errorf("unknown key %q%s", key.Name(), Suggest(key.Name(), sortedKeys(known))))
			continue
		}
		value, err := scope.Expand(key.Value())
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

// program reads one [program:NAME] on top of [defaults].
func (r *reader) program(file *ini.File, s *ini.Section, name string) {
	at := place{section: s.Name()}
	if err := checkName(name); err != nil {
		r.fail(at, err)
		return
	}
	prog := defaultProgram(name)
	prog.Line = r.lines[at]
	if file.HasSection("defaults") {
		r.keys(prog, file.Section("defaults"))
	}
	r.keys(prog, s)
	if len(prog.Command) == 0 {
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
			r.failOnce(at, fmt.Errorf("unknown key %q%s", key.Name(), Suggest(key.Name(), sortedKeys(keys))))
			continue
		}
		if err := set(prog, strings.TrimSpace(key.Value()), scope); err != nil {
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
	in := map[*Program]bool{}
	for _, key := range s.Keys() {
		at.key = key.Name()
		if key.Name() != "programs" {
			r.fail(at, fmt.Errorf("unknown key %q (nearest: \"programs\")", key.Name()))
			continue
		}
		for _, word := range splitList(key.Value()) {
			prog := r.profile.Program(word)
			if prog == nil {
				r.fail(at, fmt.Errorf("programs: there is no program %q%s", word, Suggest(word, r.profile.Names())))
			}
			in[prog] = true
		}
	}
	if len(in) == 0 {
		r.fail(at, errors.New("a group without programs"))
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
		if c <= ' ' || c == 0x7f || strings.ContainsRune("/*?[]{}!,", c) {
			return fmt.Errorf("a name cannot hold %q", c)
		}
	}
	if strings.HasPrefix(name, "-") || strings.HasPrefix(name, ".") {
		return fmt.Errorf("a name cannot begin with %q", name[:1])
	}
	return nil
}

// scan finds the lines of sections and keys, which the library does not tell,
// and what it would overlook: text that is neither, and repetitions.
func scan(file string, text []byte) (map[place]int, Errors) {
	lines := map[place]int{}
	var errs Errors
	var at place
	fail := func(n int, format string, args ...any) {
		errs = append(errs, &Error{File: file, Line: n, Section: at.section, Text: fmt.Sprintf(format, args...)})
	}
	for i, raw := range bytes.Split(text, []byte("\n")) {
		line := strings.TrimSpace(string(raw))
		n := i + 1
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case bytes.IndexByte(raw, 0) >= 0:
			fail(n, "holds a NUL byte: not an INI file")
			return nil, errs
		case line[0] == '[':
			name, _, ok := strings.Cut(line[1:], "]")
			at = place{section: name}
			if !ok {
				fail(n, "unclosed section %q", clip(line))
			} else if first, seen := lines[at]; seen {
				fail(n, "section again, first in line %d", first)
			}
			lines[at] = n
		case at.key != "" && (raw[0] == ' ' || raw[0] == '\t'):
			// More of the value before.
		default:
			end := strings.IndexAny(line, "=:")
			if end <= 0 {
				fail(n, "neither a [section] nor key = value: %q", clip(line))
				continue
			}
			at.key = strings.TrimSpace(line[:end])
			if at.section == "" {
				fail(n, "key %q stands before the first section", at.key)
			} else if first, seen := lines[at]; seen {
				fail(n, "key %q again, first in line %d", at.key, first)
			}
			lines[at] = n
		}
	}
	return lines, errs
}
