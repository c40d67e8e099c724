package aliases

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/ini.v1"
)

// Parse reads the text of a profile. It is pure but for what src gives. The
// error is an Errors with everything that is wrong.
func Parse(src Source, text []byte) (*Profile, error) {
	r := reader{src: src, profile: &Profile{File: src.Path, Host: src.Host}, first: map[string]*Error{}}
	r.add(src.Path, text)
	r.include()
	r.read()
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b *Error) int {
			if a.File != b.File {
				return r.order[a.File] - r.order[b.File]
			}
			return a.Line - b.Line
		})
		return nil, r.errs
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
func valueOf(key *ini.Key) string {
	return strings.TrimSpace(strings.ReplaceAll(key.Value(), "\n\t", "\n"))
}

// A source is one file of a profile.
type source struct {
	*scanner
	file *ini.File
}

func (s *source) at(section, key string) *Error {
	return &Error{File: s.scanner.file, Line: s.lines[place{section, key}], Section: section}
}

// has says whether the file says anything of the section.
func (s *source) has(section string) bool { return s.lines[place{section: section}] != 0 }

// A reader turns the sections of INI files into a profile and collects what is
// wrong.
type reader struct {
	src     Source
	profile *Profile
	errs    Errors
	sources []*source
	order   map[string]int    // of files
	first   map[string]*Error // where a section stands first
	base    base              // what [supervisord] says for all programs
	seen    map[*ini.Section][]entry
}

// add scans a file. If the library refuses the plain text that comes of it, that is a
// defect of the scanner; the other files are read all the same.
func (r *reader) add(path string, text []byte) {
	s := &source{scanner: scan(path, text)}
	r.errs = append(r.errs, s.errs...)
	var err error
	if s.file, err = load(s.plain.Bytes()); err != nil {
		r.errs = append(r.errs, &Error{File: path, Text: err.Error()})
		return
	}
	if r.order == nil {
		r.order = map[string]int{}
	}
	r.order[path] = len(r.sources)
	r.sources = append(r.sources, s)
}

// fail notes an error of a section, or of a key of it. [defaults] is read for
// every program, but what is wrong in it is told once.
func (r *reader) fail(at *Error, err error) {
	at.Text = err.Error()
	for _, e := range r.errs {
		if *e == *at {
			return
		}
	}
	r.errs = append(r.errs, at)
}

func (r *reader) complain(prog *Program, key string, err error) {
	r.fail(prog.place(key), errors.New(prog.Complain(key, err).Text))
}

// note takes down what is accepted and means nothing.
func (r *reader) note(at *Error, text string) {
	at.Text = text
	for _, e := range r.profile.Notes {
		if *e == *at {
			return
		}
	}
	r.profile.Notes = append(r.profile.Notes, at)
}

// sections are what may stand in brackets, with what reads it; nil: nothing
// yet, it is read where it is used.
var sections = []struct {
	name string // NAME stands for a name
	read func(r *reader, s *source, section *ini.Section)
}{
	{"mgr", (*reader).roots},
	{"defaults", nil},
	{"group:NAME", nil},
	{"program:NAME", nil},
	{"include", nil},
	{"supervisord", (*reader).supervisord},
	{"unix_http_server", (*reader).meaningless},
	{"inet_http_server", (*reader).meaningless},
	{"supervisorctl", (*reader).meaningless},
	{"rpcinterface:NAME", (*reader).meaningless},
	{"ctlplugin:NAME", (*reader).meaningless},
	{"eventlistener:NAME", (*reader).meaningless},
	{"fcgi-program:NAME", (*reader).meaningless},
}

func (r *reader) read() {
	for _, s := range r.sources {
		for _, section := range s.file.Sections() {
			r.section(s, section)
		}
	}
	r.each("program:", r.program)
	if len(r.profile.Programs) == 0 && len(r.errs) == 0 {
		r.errs = append(r.errs, &Error{File: r.src.Path, Text: "names no program: there is no [program:NAME] section"})
	}
	r.each("group:", r.group)
	var whole []*Program
	for _, prog := range r.profile.Programs {
		if key, err := prog.finish(); err != nil {
			r.complain(prog, key, err)
		} else if !r.failed("program:" + prog.Name) {
			whole = append(whole, prog)
		}
	}
	r.pidfiles(whole)
}

// each gives f the sections of one kind, in the order of files and lines.
func (r *reader) each(kind string, f func(s *source, section *ini.Section, name string)) {
	for _, s := range r.sources {
		for _, section := range s.file.Sections() {
			name, ok := strings.CutPrefix(section.Name(), kind)
			if ok && name != "" && r.first[section.Name()].File == s.scanner.file {
				f(s, section, name)
			}
		}
	}
}

func (r *reader) section(s *source, section *ini.Section) {
	name := section.Name()
	at := s.at(name, "")
	if name == ini.DefaultSection && at.Line == 0 {
		return // the library's own
	}
	if first := r.first[name]; first != nil && name != "defaults" {
		r.fail(at, fmt.Errorf("the section again, first in %s:%d", first.File, first.Line))
		return
	}
	r.first[name] = at
	kind, rest, named := strings.Cut(name, ":")
	if named && rest != "" {
		kind += ":NAME"
	} else if named {
		kind = ""
	}
	var known []string
	for _, row := range sections {
		known = append(known, row.name)
		if row.name == kind {
			if row.read != nil {
				row.read(r, s, section)
			}
			return
		}
	}
	r.fail(s.at(name, ""), fmt.Errorf("unknown section%s", Suggest(name, known)))
}

func (r *reader) roots(s *source, section *ini.Section) {
	known := map[string]*string{"conf_dir": &r.profile.ConfDir, "run_dir": &r.profile.RunDir, "log_dir": &r.profile.LogDir}
	for _, key := range section.Keys() {
		at := s.at(section.Name(), key.Name())
		dst, ok := known[key.Name()]
		if !ok {
			r.fail(at, unknownKey(key.Name(), sortedKeys(known)))
			continue
		}
		value, err := r.scope(s).Expand(valueOf(key))
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

// scope has the variables that do not depend on a program.
func (r *reader) scope(s *source) Scope {
	here := Profile{File: s.scanner.file, Host: r.profile.Host}
	return Scope{profile: &here, env: r.getenv}
}

// getenv looks a variable up in the caller's environment with what [supervisord]
// adds to it.
func (r *reader) getenv(name string) (string, bool) {
	return r.base.getenv(name, Scope{env: r.src.Env})
}

func unknownKey(name string, known []string) error {
	return fmt.Errorf("unknown key %q%s", clip(name), Suggest(name, known))
}

func (r *reader) failed(section string) bool {
	return slices.ContainsFunc(r.errs, func(e *Error) bool { return e.Section == section })
}

// splitList splits at commas, blanks and line ends.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r' })
}
