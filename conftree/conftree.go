// Package conftree finds the conf files of a kind of server below a root and
// maps them to pidfiles and back.
//
// It follows swift-init (search_tree in swift/common/utils.py, conf_files and
// get_pid_file_name in swift/common/manager.py), but maps by path components
// and never by replacing text anywhere in a path. It also reads confs as Python's
// configparser does, as far as their sections decide which conf is whose.
//
// It knows no server's name, a Search says what to look for, and no process. It
// writes nothing, and waits for nobody: what is neither a file nor a directory is
// not read. What cannot be read is reported, and keeps nothing else from being found.
package conftree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	confExt = ".conf"
	pidExt  = ".pid"
	dirExt  = ".conf.d" // a directory that stands for one conf
)

// A Search is one place of the conf tree to look in.
type Search struct {
	// Base is the beginning of the names looked for at the top of the tree,
	// such as "object-server": files object-server*.conf, and directories
	// object-server* with everything in them. With a slash, a * or a ? in it it
	// is a pattern of paths instead, such as "php/fpm-*.conf", below the root or
	// absolute.
	Base string
	// Section, if set, counts only confs that have this section.
	Section string
}

// A Conf is one conf file, or one .conf.d directory.
type Conf struct {
	Path string // absolute, as it is given to the server
	Rel  string // below the root
	Name string // what the operator calls it: 1 for object-server/1.conf; "" if it has no name of its own
	Base string // the Search's

	pattern bool // the Search is one
}

// A SectionError says that a conf could not be read to see its sections, or a
// directory to see its confs.
type SectionError struct {
	Path string
	Err  error
}

func (e *SectionError) Error() string { return fmt.Sprintf("conf %q: %v", e.Path, e.Err) }

// Unwrap gives the cause.
func (e *SectionError) Unwrap() error { return e.Err }

// Find gives the confs below root that s looks for, sorted by path. A missing
// root holds none, and a root that cannot be read is a *fs.PathError. Further
// down, directories that cannot be read, and confs that cannot be read where the
// search is for a section, are left out, and the joined *SectionErrors name
// them: they keep nobody from the others.
func Find(root string, s Search) ([]Conf, error) {
	if s.pattern() {
		return s.match(root)
	}
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w := walk{root: strings.TrimSuffix(filepath.Clean(root), "/") + "/"}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), s.Base) {
			w.top(e)
		}
	}
	slices.Sort(w.found)
	confs := make([]Conf, len(w.found))
	for n, path := range w.found {
		rel := path[len(w.root):]
		confs[n] = Conf{Path: path, Rel: rel, Name: s.name(rel), Base: s.Base}
	}
	confs, errs := s.having(confs)
	return confs, errors.Join(append(w.errs, errs...)...)
}

// having gives the confs that have the section, if one is looked for.
func (s Search) having(confs []Conf) (out []Conf, errs []error) {
	if s.Section == "" {
		return confs, nil
	}
	for _, c := range confs {
		has, err := hasSection(c.Path, s.Section)
		if err != nil {
			errs = append(errs, &SectionError{c.Path, err})
		}
		if has {
			out = append(out, c)
		}
	}
	return out, errs
}

// name is what the operator calls a conf: only a conf in the directory that is
// named exactly as the search has one (manager.py, _find_conf_files).
func (s Search) name(rel string) string {
	if !strings.HasPrefix(rel, s.Base+"/") {
		return ""
	}
	return stem(filepath.Base(rel))
}

// stem is a conf's name without its extension.
func stem(base string) string {
	if name, ok := strings.CutSuffix(base, dirExt); ok {
		return name
	}
	return strings.TrimSuffix(base, confExt)
}

// A walk collects the paths of confs below root as search_tree does.
type walk struct {
	root  string // with a slash at its end
	found []string
	errs  []error
}

// top takes in an entry of the root: links to directories are followed here.
func (w *walk) top(e fs.DirEntry) {
	path := w.root + e.Name()
	switch {
	case !isDir(w.root, e):
		if strings.HasSuffix(path, confExt) {
			w.found = append(w.found, path)
		}
	case strings.HasSuffix(path, dirExt):
		w.found = append(w.found, path)
	default:
		w.dir(path)
	}
}

// dir takes in the files below dir that end in .conf, and the directories that
// end in .conf.d, each of which is one conf. A directory that holds a .conf.d is
// not descended from, and links to directories are not followed, but count as a
// .conf.d if they are called so.
func (w *walk) dir(dir string) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR): // it went while we looked
		return
	case err != nil:
		w.errs = append(w.errs, &SectionError{dir, cause(err)})
		return
	}
	w.found = slices.Grow(w.found, len(entries))
	var below []string
	leaf := false
	for _, e := range entries {
		path := dir + "/" + e.Name()
		switch {
		case !isDir(dir, e):
			if strings.HasSuffix(path, confExt) {
				w.found = append(w.found, path)
			}
		case strings.HasSuffix(path, dirExt):
			w.found = append(w.found, path)
			leaf = true
		case e.IsDir():
			below = append(below, path)
		}
	}
	if leaf {
		return
	}
	for _, path := range below {
		w.dir(path)
	}
}

// isDir follows a link in dir, as os.path.isdir does.
func isDir(dir string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}
