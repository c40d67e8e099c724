package conftree

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// pattern says whether s looks for paths, and not for beginnings of names.
func (s Search) pattern() bool { return strings.ContainsAny(s.Base, "/*?") }

// within is the root that the pattern is below, and the pattern there.
func (s Search) within(root string) (string, string) {
	if rest, ok := strings.CutPrefix(s.Base, "/"); ok {
		return "/", rest
	}
	return root, s.Base
}

// match finds the confs whose paths the pattern describes, path.Match. What is
// no file, and no .conf.d, is left out.
func (s Search) match(root string) ([]Conf, error) {
	root, pattern := s.within(root)
	found, err := fs.Glob(os.DirFS(root), pattern)
	if err != nil {
		return nil, err
	}
	var confs []Conf
	for _, rel := range found {
		c := Conf{Path: filepath.Join(root, rel), Rel: rel, Name: s.wild(pattern, rel), Base: s.Base, pattern: true}
		if info, err := os.Stat(c.Path); err != nil || info.IsDir() && !strings.HasSuffix(rel, dirExt) {
			continue
		}
		confs = append(confs, c)
	}
	confs, errs := s.having(confs)
	return confs, errors.Join(errs...)
}

// wild is what a conf that a pattern found is called: what its wildcards stand
// for, from the first to the last; without any the name of the file.
func (s Search) wild(pattern, rel string) string {
	first, last := strings.IndexAny(pattern, "*?"), strings.LastIndexAny(pattern, "*?")
	if first < 0 {
		return stem(path.Base(rel))
	}
	name := rel[first : len(rel)-(len(pattern)-last-1)]
	return strings.ReplaceAll(name, "/", "-")
}

// named is the way back for the pidfile /NAME.pid of a program. It is not to be
// found where several wildcards made the name.
func (s Search) named(root, rest string) (Conf, bool) {
	root, pattern := s.within(root)
	name, ok := strings.CutSuffix(strings.TrimPrefix(rest, "/"), pidExt)
	if !ok || !strings.HasPrefix(rest, "/") || name == "" || strings.Contains(name, "/") {
		return Conf{}, false
	}
	rel := pattern
	if at := strings.IndexAny(pattern, "*?"); at >= 0 {
		if at != strings.LastIndexAny(pattern, "*?") {
			return Conf{}, false
		}
		rel = pattern[:at] + name + pattern[at+1:]
	}
	if s.wild(pattern, rel) != name {
		return Conf{}, false
	}
	return Conf{Path: filepath.Join(root, rel), Rel: rel, Name: name, Base: s.Base, pattern: true}, true
}
