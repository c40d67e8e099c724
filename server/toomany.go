package server

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mgr/aliases"
	"mgr/pidfile"
)

// addExtra adds an instance for every pidfile of a program without confs whose number
// it does not have: numprocs was more once, and its server may well run.
func (f *Fleet) addExtra(s *Server, t *aliases.Target) error {
	extra, err := f.extra(t.Program)
	for _, i := range extra {
		if t.Wants(i.called...) {
			s.Instances = append(s.Instances, i)
		}
	}
	return err
}

// extra gives the instances of a program, by number, that only a pidfile tells of. That
// of a number that the program has is left out, though it be another one than it would
// have now: a start has to see such a server as one without a pidfile.
func (f *Fleet) extra(p *aliases.Program) ([]*Instance, error) {
	const num = "%(process_num)"
	many := *p
	many.NumProcs = max(p.NumProcs, 2) // with one it would have no numbers
	var names []string
	switch {
	case len(p.Conf) > 0:
	case p.Pidfile == "" && strings.Contains(p.ProcessName, num):
		names = f.pidsOf(p)
	case strings.Contains(p.Pidfile, num):
		names = f.siblings(&many)
	}
	var out []*Instance
	for _, name := range names {
		for _, n := range numbers(filepath.Base(name)) {
			proc := p.Process(n)
			want, err := f.Profile.PidfileName(&many, proc, f.getenv)
			if err != nil {
				return nil, err
			}
			if want != name || p.FirstProc <= n && n < p.FirstProc+p.NumProcs {
				continue
			}
			if i := f.processAt(p, proc, name); p.Pidfile == "" || i.runs() && !f.claimed(i) {
				i.Orphan, i.log = true, p.Name+"/"+proc.Name
				out = append(out, i)
			}
			break
		}
	}
	slices.SortFunc(out, func(a, b *Instance) int { return cmp.Compare(a.num, b.num) })
	return out, nil
}

// siblings are the files beside the pidfiles of a program that has them where the
// profile says. They may be anybody's.
func (f *Fleet) siblings(p *aliases.Program) []string {
	first, err := f.Profile.PidfileName(p, p.Process(p.FirstProc), f.getenv)
	if err != nil {
		return nil // as its instances will say
	}
	dir, _ := filepath.Split(first)
	where := dir
	if !filepath.IsAbs(where) {
		where = filepath.Join(f.RunDir, where)
	}
	entries, _ := os.ReadDir(where) // what keeps it from being read is said of those that there have to be
	var names []string
	for _, e := range entries {
		names = append(names, dir+e.Name())
	}
	return names
}

// claimed says whether the pidfile may be that of another program.
func (f *Fleet) claimed(i *Instance) bool {
	return slices.ContainsFunc(f.Profile.Programs, func(q *aliases.Program) bool {
		switch {
		case q == i.Program || q.Pidfile == "":
			return false
		case len(q.Conf) == 0:
			name, err := f.Profile.PidfileName(q, q.Process(i.num), f.getenv)
			return err == nil && name == i.name
		}
		s, err := f.whole(q)
		return err != nil || slices.ContainsFunc(s.Instances, func(o *Instance) bool { return o.name == i.name })
	})
}

// runs says whether the process of the pidfile is the server.
func (i *Instance) runs() bool {
	f := i.Inspect()
	f.Process.Close()
	return f.State == pidfile.Running
}

// numbers are those that a name holds, each with all digits that stand together.
func numbers(name string) []int {
	var out []int
	for digits := range strings.FieldsFuncSeq(name, func(c rune) bool { return c < '0' || c > '9' }) {
		if n, err := strconv.ParseInt(digits, 10, 32); err == nil {
			out = append(out, int(n))
		}
	}
	return out
}
