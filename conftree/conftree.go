// Package conftree finds the conf files of a kind of server below a root and
// maps them to pidfiles and back.
//
// It follows swift-init (search_tree in swift/common/utils.py, conf_files and
// get_pid_file_name in swift/common/manager.py), but maps by path components
// and never by replacing text anywhere in a path. It knows no server's name: a
// Search says what to look for.
package conftree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	// object-server* with everything in them.
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
}

// A SectionError says that a conf could not be read to see its sections.
type SectionError struct {
	Path string
	Err  error
}

func (e *SectionError) Error() string { return fmt.Sprintf("conf %q: %v", e.Path, e.Err) }

// Unwrap gives the cause.
func (e *SectionError) Unwrap() error { return e.Err }

// Find gives the confs below root that s looks for, sorted by path. A missing
// root holds none. Confs that cannot be read where the search is for a section
// are left out, and the joined *SectionErrors name them.
func Find(root string, s Search) ([]Conf, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), s.Base) {
			continue
		}
		path := filepath.Join(root, e.Name())
		switch {
		case isDir(path, e):
			found, err := walk(path)
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
		case strings.HasSuffix(path, confExt):
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return s.confs(root, paths)
}

func (s Search) confs(root string, paths []string) ([]Conf, error) {
	var confs []Conf
	var errs []error
	for _, path := range paths {
		if s.Section != "" {
			has, err := HasSection(path, s.Section)
			if err != nil {
				errs = append(errs, &SectionError{path, err})
			}
			if !has {
				continue
			}
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		confs = append(confs, Conf{Path: path, Rel: rel, Name: s.name(rel), Base: s.Base})
	}
	return confs, errors.Join(errs...)
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

// walk gives the confs in and below dir: files that end in .conf, and
// directories that end in .conf.d, each of which is one conf. As in search_tree
// a directory that holds a .conf.d is not descended from, and links to
// directories are not followed, but count as a .conf.d if they are called so.
func walk(dir string) ([]string, error) {
	if strings.HasSuffix(dir, dirExt) {
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) { // it went while we looked
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found, below []string
	leaf := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !isDir(path, e):
			if strings.HasSuffix(path, confExt) {
				found = append(found, path)
			}
		case strings.HasSuffix(path, dirExt):
			found = append(found, path)
			leaf = true
		case e.IsDir():
			below = append(below, path)
		}
	}
	if leaf {
		return found, nil
	}
	for _, path := range below {
		more, err := walk(path)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// isDir follows a link, as os.path.isdir does.
func isDir(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
