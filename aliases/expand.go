package aliases

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Scope is where the %(name)s of a text are looked up. One is made for every
// key of a profile and for every instance, so it makes no list of them. The zero
// value knows none.
type Scope struct {
	profile *Profile
	prog    *Program
	unit    Unit
	env     func(string) (string, bool) // %(ENV_X)s, as os.LookupEnv does
	own     bool                        // the program's environment goes before env
	pid     string                      // %(pid)d; "": there is no process
	key     *row                        // is being read, so what follows from it cannot be used
}

// variable reads what stands behind a per cent sign: a name in parentheses and
// a conversion, which is s, d, or d with a width, as Python has them. Without
// one, size is 0.
func variable(text string) (name, verb string, size int) {
	inner, opened := strings.CutPrefix(text, "(")
	name, after, closed := strings.Cut(inner, ")")
	if !opened || !closed || strings.Contains(name, "(") {
		return "", "", 0
	}
	padding := len(after) - len(strings.TrimPrefix(after, "0"))
	n := padding
	if n < len(after) && '1' <= after[n] && after[n] <= '9' {
		n++
	}
	wide := n > padding
	switch {
	case padding > 0 && !wide, n == len(after):
		return "", "", 0
	case after[n] == 'd', after[n] == 's' && !wide:
		return name, after[:n+1], len(name) + len("()") + n + 1
	}
	return "", "", 0
}

// Expand fills in the %(name)s of text, as Python's configparser and
// supervisord write them; %% is a per cent sign. The error names what is not
// known.
func (s Scope) Expand(text string) (string, error) {
	return s.expand(text, func(string) bool { return true })
}

// bind gives text with %(here)s filled in, since it differs from file to file,
// and the rest as it is, once it is known that all of it can be filled in.
func (s Scope) bind(text string) (string, error) {
	if _, err := s.Expand(text); err != nil {
		return "", err
	}
	return s.expand(text, func(name string) bool { return name == "here" })
}

// fix is bind that fills in the variables of the environment as well: in the
// values of an environment they are those of the one outside of it.
func (s Scope) fix(text string) (string, error) {
	if _, err := s.Expand(text); err != nil {
		return "", err
	}
	return s.expand(text, func(name string) bool { return name == "here" || strings.HasPrefix(name, "ENV_") })
}

// expand fills in the variables that wanted says yes to. If some are left for
// later, so are the escapes.
func (s Scope) expand(text string, wanted func(name string) bool) (string, error) {
	if strings.IndexByte(text, '%') < 0 {
		return text, nil
	}
	var out strings.Builder
	escape := "%"
	if !wanted("") {
		escape = "%%"
	}
	for {
		before, rest, found := strings.Cut(text, "%")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		if after, ok := strings.CutPrefix(rest, "%"); ok {
			out.WriteString(escape)
			text = after
			continue
		}
		name, verb, size := variable(rest)
		if size == 0 {
			return "", fmt.Errorf("%q: a per cent sign is written %%%%, a variable %%(name)s", "%"+clip(rest))
		}
		text = rest[size:]
		if !wanted(name) {
			out.WriteByte('%')
			out.WriteString(rest[:size])
			continue
		}
		value, err := s.formatted(name, verb)
		if err != nil {
			return "", err
		}
		if text == "" && out.Len() == 0 && escape == "%" { // nothing else: no copy, one for each instance
			return value, nil
		}
		if escape == "%%" {
			value = strings.ReplaceAll(value, "%", "%%")
		}
		out.WriteString(value)
	}
}

// formatted is the value of a variable as its conversion has it.
func (s Scope) formatted(name, verb string) (string, error) {
	value, err := s.lookup(name)
	if err != nil {
		return "", err
	}
	return format(name, value, verb)
}

// format is Python's % of a value.
func format(name, value, verb string) (string, error) {
	if verb == "s" || value == "%("+name+")"+verb { // it is to stand for itself
		return value, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return "", fmt.Errorf("%%(%s)%s: %q is no number", shown(name), verb, clip(value))
	}
	return fmt.Sprintf("%"+verb, n), nil
}

// WithPID is the scope of a process that has that number, in digits.
func (s Scope) WithPID(pid string) Scope {
	s.pid = pid
	return s
}

func (s Scope) lookup(name string) (string, error) {
	if s.key != nil {
		if why := s.key.refuses(name); why != "" {
			return "", fmt.Errorf("%%(%s)s %s", shown(name), why)
		}
	}
	if v, ok := s.value(name); ok {
		return v, nil
	}
	if env, ok := strings.CutPrefix(name, "ENV_"); ok {
		if v, ok := s.getenv(env); ok {
			return v, nil
		}
		return "", fmt.Errorf("%%(%s)s: there is no such environment variable", shown(name))
	}
	return "", fmt.Errorf("%%(%s)s is not known%s", shown(name), Suggest(name, s.names()))
}

// value gives a variable that is none of the environment.
func (s Scope) value(name string) (string, bool) {
	if s.profile != nil {
		switch name {
		case "here":
			return filepath.Dir(s.profile.File), true
		case "host_node_name":
			return s.profile.Host, true
		}
	}
	if name == "pid" {
		return s.pid, s.pid != ""
	}
	if s.prog == nil {
		return "", false
	}
	switch name {
	case "program_name":
		return s.prog.Name, true
	case "group_name":
		return s.prog.Group, true
	case "type":
		return s.prog.Type, true
	case "numprocs":
		return strconv.Itoa(s.prog.NumProcs), true
	case "process_num":
		return strconv.Itoa(s.unit.Num), true
	case "conf":
		return s.unit.Conf, true
	case "conf_name":
		return s.unit.ConfName, true
	case "pidfile":
		return s.unit.Pidfile, true
	}
	return "", false
}

// names are those of the variables that value knows, sorted.
func (s Scope) names() []string {
	all := []string{"conf", "conf_name", "group_name", "here", "host_node_name", "numprocs", "pid", "pidfile", "process_num", "program_name", "type"}
	return slices.DeleteFunc(all, func(name string) bool {
		_, known := s.value(name)
		return !known
	})
}

func (s Scope) getenv(name string) (string, bool) {
	if s.own {
		outer := s
		outer.own, outer.key = false, nil
		return s.prog.getenv(name, outer)
	}
	if s.env == nil {
		return "", false
	}
	return s.env(name)
}

// clip shortens what a message quotes.
func clip(s string) string {
	const longest = 40
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// A Unit is what tells one instance of a program from the others.
type Unit struct {
	Conf     string // path of its conf, or ""
	ConfName string // what the conf is called, or ""
	Pidfile  string // path
	Num      int    // of a program without confs
}

// Scope is where the variables of one instance are looked up. env is the
// caller's environment; the program's own goes before it, as in supervisord.
func (p *Profile) Scope(prog *Program, u Unit, env func(string) (string, bool)) Scope {
	return Scope{profile: p, prog: prog, unit: u, env: env, own: true}
}
