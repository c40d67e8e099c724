package conftree

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
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

// match finds the confs whose paths the pattern describes, part by part,
// path.Match. What is no file, and no .conf.d, is left out, and what is hidden,
// unless the pattern says so. Directories on the way that cannot be read are in
// the error.
func (s Search) match(root string) ([]Conf, error) {
	root, pattern := s.within(root)
	found := []string{"."}
	var errs []error
	for part := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, dir := range found {
			names, err := matching(filepath.Join(root, dir), part)
			if err != nil {
				errs = append(errs, &SectionError{filepath.Join(root, dir), err})
			}
			for _, name := range names {
				next = append(next, path.Join(dir, name))
			}
		}
		found = next
	}
	var confs []Conf
	for _, rel := range found {
		c := Conf{Path: filepath.Join(root, rel), Rel: rel, Name: s.wild(pattern, rel), Base: s.Base, pattern: true}
		info, err := os.Stat(c.Path)
		if err != nil || info.IsDir() && !strings.HasSuffix(rel, dirExt) || c.Name == "" {
			continue
		}
		confs = append(confs, c)
	}
	confs, more := s.having(confs)
	return confs, errors.Join(append(errs, more...)...)
}

// matching gives the entries of a directory that one part of a pattern describes.
// What is not there, or no directory, has none.
func matching(dir, part string) ([]string, error) {
	if !strings.ContainsAny(part, "*?") {
		return []string{part}, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, cause(err)
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if ok, err := path.Match(part, name); err != nil {
			return nil, err
		} else if ok && (name[0] != '.' || part[0] == '.') {
			names = append(names, name)
		}
	}
	return names, nil
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
		begins := at == 0 || pattern[at-1] == '/'
		if at != strings.LastIndexAny(pattern, "*?") || begins && name[0] == '.' { // a wildcard finds nothing hidden
			return Conf{}, false
		}
		rel = pattern[:at] + name + pattern[at+1:]
	}
	if ok, err := path.Match(pattern, rel); err != nil || !ok || s.wild(pattern, rel) != name {
		return Conf{}, false
	}
	return Conf{Path: filepath.Join(root, rel), Rel: rel, Name: name, Base: s.Base, pattern: true}, true
}
