package aliases

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
)

// A Scope is where the %(name)s of a text are looked up.
type Scope struct {
	Vars map[string]string
	// Env looks up %(ENV_X)s, as os.LookupEnv does; nil: there are none.
	Env func(string) (string, bool)
}

// Expand fills in the %(name)s of text, as Python's configparser and
// supervisord write them; %% is a per cent sign. The error names what is not
// known.
func (s Scope) Expand(text string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "%")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		if after, ok := strings.CutPrefix(rest, "%"); ok {
			out.WriteByte('%')
			text = after
			continue
		}
		name, after, ok := cutVariable(rest)
		if !ok {
			return "", fmt.Errorf("%q: a per cent sign is written %%%%, a variable %%(name)s", "%"+clip(rest))
		}
		value, err := s.lookup(name)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		text = after
	}
}

// cutVariable takes (name)s off the beginning of text.
func cutVariable(text string) (name, after string, ok bool) {
	text, ok = strings.CutPrefix(text, "(")
	if !ok {
		return "", "", false
	}
	name, after, ok = strings.Cut(text, ")")
	if !ok || !strings.HasPrefix(after, "s") {
		return "", "", false
	}
	return name, after[1:], true
}

func (s Scope) lookup(name string) (string, error) {
	if v, ok := s.Vars[name]; ok {
		return v, nil
	}
	if env, ok := strings.CutPrefix(name, "ENV_"); ok {
		if s.Env != nil {
			if v, ok := s.Env(env); ok {
				return v, nil
			}
		}
		return "", fmt.Errorf("%%(%s)s: there is no such environment variable", name)
	}
	return "", fmt.Errorf("%%(%s)s is not known%s", name, Suggest(name, sortedKeys(s.Vars)))
}

// clip shortens what a message quotes.
func clip(s string) string {
	const longest = 40
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// Vars are the %(name)s of one instance of p: conf is the path of its conf, or
// "", pidfile that of its pidfile.
func (p *Profile) Vars(prog *Program, conf, pidfile string) map[string]string {
	vars := p.vars()
	maps.Copy(vars, map[string]string{
		"program_name": prog.Name,
		"group_name":   prog.Name,
		"type":         prog.Type,
		"conf":         conf,
		"conf_name":    confName(conf),
		"pidfile":      pidfile,
		"process_num":  "0",
	})
	return vars
}

// vars are those of the profile as a whole.
func (p *Profile) vars() map[string]string {
	return map[string]string{"here": filepath.Dir(p.File), "host_node_name": p.Host}
}

func confName(conf string) string {
	if conf == "" {
		return ""
	}
	base := filepath.Base(conf)
	if name, ok := strings.CutSuffix(base, ".conf.d"); ok {
		return name
	}
	return strings.TrimSuffix(base, ".conf")
}
