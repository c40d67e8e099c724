package aliases

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Scope is where the %(name)s of a text are looked up.
type Scope struct {
	// Vars are few, and a scope is made for every key of a profile and for every
	// instance: looking through them is cheaper than a map.
	Vars []Var
	// Env looks up %(ENV_X)s, as os.LookupEnv does; nil: there are none.
	Env func(string) (string, bool)
	// Refused says why a variable cannot be used here; "": it can. nil: all can.
	Refused func(name string) string
}

// A Var is a variable of a Scope.
type Var struct{ Name, Value string }

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
		value, err := s.lookup(name)
		if err == nil {
			value, err = format(name, value, verb)
		}
		if err != nil {
			return "", err
		}
		if escape == "%%" {
			value = strings.ReplaceAll(value, "%", "%%")
		}
		out.WriteString(value)
	}
}

// format is Python's % of a value.
func format(name, value, verb string) (string, error) {
	if verb == "s" {
		return value, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return "", fmt.Errorf("%%(%s)%s: %q is no number", shown(name), verb, clip(value))
	}
	return fmt.Sprintf("%"+verb, n), nil
}

func (s Scope) lookup(name string) (string, error) {
	if s.Refused != nil {
		if why := s.Refused(name); why != "" {
			return "", fmt.Errorf("%%(%s)s %s", shown(name), why)
		}
	}
	for _, v := range s.Vars {
		if v.Name == name {
			return v.Value, nil
		}
	}
	if env, ok := strings.CutPrefix(name, "ENV_"); ok {
		if s.Env != nil {
			if v, ok := s.Env(env); ok {
				return v, nil
			}
		}
		return "", fmt.Errorf("%%(%s)s: there is no such environment variable", shown(name))
	}
	return "", fmt.Errorf("%%(%s)s is not known%s", shown(name), Suggest(name, s.names()))
}

// names are those of the variables, sorted.
func (s Scope) names() []string {
	var names []string
	for _, v := range s.Vars {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	return names
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
	vars := append(p.vars(),
		Var{"program_name", prog.Name},
		Var{"group_name", prog.Group},
		Var{"type", prog.Type},
		Var{"conf", u.Conf},
		Var{"conf_name", u.ConfName},
		Var{"pidfile", u.Pidfile},
		Var{"process_num", strconv.Itoa(u.Num)},
		Var{"numprocs", strconv.Itoa(prog.NumProcs)})
	return Scope{Vars: vars, Env: prog.getenv(Scope{Vars: vars, Env: env})}
}

// getenv looks a variable up in the program's environment, then in outer's.
func (p *Program) getenv(outer Scope) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := len(p.Environment) - 1; i >= 0; i-- {
			v := p.Environment[i]
			if v.Name != name {
				continue
			}
			if v.Default && outer.Env != nil {
				if value, ok := outer.Env(name); ok {
					return value, true
				}
			}
			value, err := outer.Expand(v.Value)
			return value, err == nil
		}
		if outer.Env == nil {
			return "", false
		}
		return outer.Env(name)
	}
}

// vars are those of the profile as a whole.
func (p *Profile) vars() []Var {
	return append(make([]Var, 0, 10), Var{"here", filepath.Dir(p.File)}, Var{"host_node_name", p.Host})
}
