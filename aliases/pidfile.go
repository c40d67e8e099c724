package aliases

import (
	"fmt"
	"path"
)

// PidfileName is the path of a process's pidfile, or its name below the run
// directory, for a program without a conf.
func (p *Profile) PidfileName(prog *Program, proc Process, env func(string) (string, bool)) (string, error) {
	switch {
	case prog.Pidfile != "":
		name, err := p.Scope(prog, Unit{Num: proc.Num}, env).Expand(prog.Pidfile)
		return path.Clean(name), err
	case prog.Numbered():
		return prog.Name + "/" + proc.Name + ".pid", nil
	}
	return prog.Name + ".pid", nil
}

// pidfiles refuses two processes with one pidfile, as far as it can be told
// without looking for confs.
func (r *reader) pidfiles(programs []*Program) {
	owner := map[string]*Program{}
	for _, prog := range programs {
		if len(prog.Conf) > 0 {
			continue
		}
		for _, proc := range prog.Processes() {
			name, err := r.profile.PidfileName(prog, proc, r.src.Env)
			switch other := owner[name]; {
			case err != nil:
			case other == prog:
				err = fmt.Errorf("all %d processes would have %q: it has to hold %%(process_num)d", prog.NumProcs, name)
			case other != nil:
				at := other.place("pidfile")
				err = fmt.Errorf("%q is that of %q (%s:%d)", name, other.Name, at.File, at.Line)
			}
			if err != nil {
				r.complain(prog, "pidfile", err)
				break
			}
			owner[name] = prog
		}
	}
}
