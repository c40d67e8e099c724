package aliases

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A Scope is where the %(name)s of a text are looked up.
type Scope struct {
	Vars map[string]string
	// Env looks up %(ENV_X)s, as os.LookupEnv does; nil: there are none.
	Env func(string) (string, bool)
	// Refused are variables that cannot be used here, and why.
	Refused map[string]string
}

// conversion is what stands behind the name of a variable: s, d, or d with a
// width, as Python has them.
var conversion = regexp.MustCompile(`^\(([^()]*)\)(s|d|0?[1-9]d)`)

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
		m := conversion.FindStringSubmatch(rest)
		if m == nil {
			return "", fmt.Errorf("%q: a per cent sign is written %%%%, a variable %%(name)s", "%"+clip(rest))
		}
		text = rest[len(m[0]):]
		if !wanted(m[1]) {
			out.WriteString("%" + m[0])
			continue
		}
		value, err := s.lookup(m[1])
		if err == nil {
			value, err = format(m[1], value, m[2])
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
	if why := s.Refused[name]; why != "" {
		return "", fmt.Errorf("%%(%s)s %s", shown(name), why)
	}
	if v, ok := s.Vars[name]; ok {
		return v, nil
	}
	if env, ok := strings.CutPrefix(name, "ENV_"); ok {
		if s.Env != nil {
			if v, ok := s.Env(env); ok {
				return v, nil
			}
		}
		return "", fmt.Errorf("%%(%s)s: there is no such environment variable", shown(name))
	}
	return "", fmt.Errorf("%%(%s)s is not known%s", shown(name), Suggest(name, sortedKeys(s.Vars)))
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
	vars := p.vars()
	maps.Copy(vars, map[string]string{
		"program_name": prog.Name,
		"group_name":   prog.Group,
		"type":         prog.Type,
		"conf":         u.Conf,
		"conf_name":    u.ConfName,
		"pidfile":      u.Pidfile,
		"process_num":  strconv.Itoa(u.Num),
		"numprocs":     strconv.Itoa(prog.NumProcs),
	})
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
func (p *Profile) vars() map[string]string {
	return map[string]string{"here": filepath.Dir(p.File), "host_node_name": p.Host}
}
