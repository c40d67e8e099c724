package aliases

import (
	"fmt"
	"slices"
	"strings"
)

// A NameError says that a word means nothing.
type NameError struct {
	Word string
	Text string
}

func (e *NameError) Error() string { return fmt.Sprintf("%q: %s", e.Word, e.Text) }

// A Selection is what to expand: the operator's words, those of --except, and
// which programs are installed.
type Selection struct {
	Words     []string
	Except    []string
	Installed func(*Program) bool // nil: all are
	// Absent says that a program that a word names itself may be not installed.
	Absent bool
}

// Expand turns words into targets in profile order. The errors, all of them,
// name the words that mean no program, or one that is not installed; the
// targets of the others are given all the same.
func (p *Profile) Expand(sel Selection) ([]*Target, []*NameError) {
	if sel.Installed == nil {
		sel.Installed = func(*Program) bool { return true }
	}
	byProgram := map[*Program]*Target{}
	var errs []*NameError
	for _, word := range unique(sel.Words) {
		m, err := p.find(word)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := m.include(byProgram, sel); err != nil {
			errs = append(errs, err)
		}
	}
	for _, word := range unique(sel.Except) {
		m, err := p.find(word)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.exclude(byProgram)
	}
	var targets []*Target
	for _, prog := range p.Programs {
		if t := byProgram[prog]; t != nil && !t.empty() {
			targets = append(targets, t)
		}
	}
	return targets, errs
}

// unique leaves out what was said before.
func unique(words []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool {
		again := seen[word]
		seen[word] = true
		return again
	})
}

// A meaning is what one word stands for.
type meaning struct {
	word     string
	programs []*Program
	named    bool      // the word is a program's name
	confs    []pattern // none: all
	// processes are the patterns of some of the programs, where they differ.
	processes map[*Program][]pattern
}

func (m *meaning) patterns(prog *Program) []pattern {
	if m.processes != nil {
		return m.processes[prog]
	}
	return m.confs
}

func (m *meaning) include(targets map[*Program]*Target, sel Selection) *NameError {
	why := "none of its programs is installed"
	found := false
	for _, prog := range m.programs {
		confs := m.patterns(prog)
		switch {
		case m.named && !sel.Absent && !sel.Installed(prog):
			err := fmt.Errorf("%q is not installed", firstWord(prog))
			return &NameError{m.word, prog.Complain("command", err).Error()}
		case !m.named && prog.Optional && !sel.Installed(prog):
			continue
		case confs != nil && len(prog.Conf) == 0 && !prog.Numbered():
			why = fmt.Sprintf("%s takes no conf", prog.Name)
			continue
		}
		found = true
		t := targets[prog]
		if t == nil {
			t = &Target{Program: prog}
			targets[prog] = t
		}
		t.Named = t.Named || m.named
		t.whole = t.whole || confs == nil
		t.only = append(t.only, confs...)
	}
	if !found {
		return &NameError{m.word, why}
	}
	return nil
}

func (m *meaning) exclude(targets map[*Program]*Target) {
	for _, prog := range m.programs {
		switch t, confs := targets[prog], m.patterns(prog); {
		case t == nil:
		case confs == nil:
			delete(targets, prog)
		default:
			t.except = append(t.except, confs...)
		}
	}
}

func firstWord(prog *Program) string {
	return strings.ReplaceAll(prog.Command[0], "%(program_name)s", prog.Name)
}

// find gives the meaning of a word: a name, or a name, a dot and a conf. A name
// may hold dots itself, so the longest name that is known wins.
func (p *Profile) find(word string) (*meaning, *NameError) {
	if err := checkWord(word); err != nil {
		return nil, err
	}
	if group, process, ok := strings.Cut(word, ":"); ok && !isGlob(group) {
		return p.findProcess(word, group, process)
	}
	for _, dot := range slices.Backward(append(dots(word), len(word))) {
		m := &meaning{word: word}
		if dot < len(word) {
			conf, err := compile(word[dot+1:])
			if err != nil {
				return nil, &NameError{word, err.Error()}
			}
			m.confs = []pattern{conf}
		}
		if err := p.resolve(m, word[:dot]); err != nil {
			return nil, err
		}
		if len(m.programs) > 0 {
			return m, nil
		}
	}
	if isGlob(word) {
		return nil, &NameError{word, "matches no program"}
	}
	return nil, p.unknown(word)
}

// findProcess gives the meaning of group:process, supervisord's way to name
// one of a group's programs, or one of a program's processes; group:* is all.
func (p *Profile) findProcess(word, group, process string) (*meaning, *NameError) {
	pat, err := compile(process)
	if err != nil {
		return nil, &NameError{word, err.Error()}
	}
	m := &meaning{word: word, processes: map[*Program][]pattern{}}
	if prog := p.Program(group); prog != nil {
		m.programs, m.named = []*Program{prog}, true
		switch {
		case process == "*":
		case prog.Numbered():
			m.processes[prog] = []pattern{pat}
		case !prog.hasProcess(pat):
			return nil, &NameError{word, fmt.Sprintf("%s has no process %q", prog.Name, process)}
		}
		return m, nil
	}
	g := p.Group(group)
	if g == nil {
		return nil, p.unknown(group)
	}
	for _, prog := range g.Programs {
		m.addProcesses(prog, pat)
	}
	if len(m.programs) == 0 {
		return nil, &NameError{word, fmt.Sprintf("group %s has no process %q%s", group, process, Suggest(process, g.processNames()))}
	}
	return m, nil
}

// addProcesses takes in what the pattern names of a program: all of it by its own
// name, or some of its processes by theirs.
func (m *meaning) addProcesses(prog *Program, pat pattern) {
	byName := pat.matches(prog.Name)
	if !byName && !prog.hasProcess(pat) {
		return
	}
	m.programs = append(m.programs, prog)
	if !byName && prog.Numbered() {
		m.processes[prog] = []pattern{pat}
	}
}

func (p *Program) hasProcess(pat pattern) bool {
	return slices.ContainsFunc(p.Processes(), func(proc Process) bool { return pat.matches(proc.Name) })
}

func (g *Group) processNames() []string {
	var names []string
	for _, prog := range g.Programs {
		for _, proc := range prog.Processes() {
			names = append(names, proc.Name)
		}
	}
	return names
}

func (p *Profile) resolve(m *meaning, name string) *NameError {
	prog, group := p.exact(name), p.Group(name)
	if prog == nil && group == nil {
		prog = p.Program(name)
	}
	if prog != nil {
		m.programs, m.named = []*Program{prog}, true
		return nil
	}
	if group != nil {
		m.programs = group.Programs
		return nil
	}
	if !isGlob(name) {
		return nil
	}
	pat, err := compile(name)
	if err != nil {
		return &NameError{m.word, err.Error()}
	}
	for _, prog := range p.Programs {
		short := strings.TrimSuffix(prog.Name, "-server")
		if pat.matches(prog.Name) || pat.matches(short) {
			m.programs = append(m.programs, prog)
		}
	}
	return nil
}

func (p *Profile) unknown(word string) *NameError {
	name, _, _ := strings.Cut(word, ".")
	return &NameError{word, "no such server in " + p.File + Suggest(name, p.Names())}
}

// dots gives the places of the dots outside of brackets and braces.
func dots(word string) []int {
	var at []int
	depth := 0
	for i, c := range word {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '.':
			if depth == 0 && i > 0 && i < len(word)-1 {
				at = append(at, i)
			}
		}
	}
	return at
}
