package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mgr/aliases"
)

// A mirrored is a pidfile that is there, and what it would be called in the run
// directory's mirror of the conf tree.
type mirrored struct{ name, as string }

// mirrored gives the pidfiles of a program that are there, by name. Those that
// are where the profile says are known as far as names of files tell names of
// confs.
func (f *Fleet) mirrored(p *aliases.Program) []mirrored {
	var out []mirrored
	if p.Pidfile == "" {
		names := f.pidsOf(p)
		out = make([]mirrored, len(names))
		for n, name := range names {
			out[n] = mirrored{name, name}
		}
		return out
	}
	const mark = "\x00"
	words, err := f.words(p, []string{p.Pidfile}, aliases.Unit{ConfName: mark})
	if err != nil {
		return nil // as the instances of confs will say
	}
	dir, base := filepath.Split(words[0])
	before, after, ok := strings.Cut(base, mark)
	if !ok || strings.Contains(dir+after, mark) {
		return nil
	}
	where := dir
	if !filepath.IsAbs(where) {
		where = filepath.Join(f.RunDir, where)
	}
	entries, _ := os.ReadDir(where) // what keeps it from being read is said of the confs that are there
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), before)
		name, ok2 := strings.CutSuffix(rest, after)
		if ok && ok2 && name != "" {
			out = append(out, mirrored{filepath.Clean(dir + e.Name()), p.Name + "/" + name + ".pid"})
		}
	}
	return out
}

// pidsOf gives the pidfiles below the run directory that are a program's: of the
// one with the longest name that the pidfile's begins with. They are in order.
func (f *Fleet) pidsOf(p *aliases.Program) []string {
	if f.owned == nil {
		f.owned = map[*aliases.Program][]string{}
		for rest := f.pids; len(rest) > 0; {
			n := sameTop(rest)
			owner := f.owner(rest[0])
			f.owned[owner] = append(f.owned[owner], rest[:n]...)
			rest = rest[n:]
		}
		for _, names := range f.owned {
			slices.Sort(names)
		}
	}
	return f.owned[p]
}

// sameTop is how many of names are below the directory that the first is below: they
// are one program's.
func sameTop(names []string) int {
	slash := strings.IndexByte(names[0], '/')
	if slash < 0 {
		return 1
	}
	other := slices.IndexFunc(names, func(name string) bool { return !strings.HasPrefix(name, names[0][:slash+1]) })
	if other < 0 {
		return len(names)
	}
	return other
}

func (f *Fleet) owner(name string) *aliases.Program {
	var owner *aliases.Program
	for _, p := range f.Profile.Programs {
		if strings.HasPrefix(name, p.Name) && (owner == nil || len(p.Name) > len(owner.Name)) {
			owner = p
		}
	}
	return owner
}
