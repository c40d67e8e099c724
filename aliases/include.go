package aliases

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// visible is filepath.Glob without what is hidden, unless the pattern shows that
// it means that: backups and locks of editors lie beside the files that they
// belong to. Python's glob, which supervisord uses, does the same.
func visible(pattern string) ([]string, error) {
	paths, err := filepath.Glob(pattern)
	meant := strings.Split(filepath.Clean(pattern), "/")
	return slices.DeleteFunc(paths, func(path string) bool {
		for n, part := range strings.Split(filepath.Clean(path), "/") {
			if strings.HasPrefix(part, ".") && n < len(meant) && !strings.HasPrefix(meant[n], ".") {
				return true
			}
		}
		return false
	}), err
}

// include reads the files that [include] of the first file names. They cannot
// include others, as in supervisord.
func (r *reader) include() {
	if len(r.sources) == 0 || !r.sources[0].has("include") {
		return
	}
	s := r.sources[0]
	section := s.file.Section("include")
	at := s.at("include", "files")
	for _, key := range section.Keys() {
		if key.Name() != "files" {
			r.fail(s.at("include", key.Name()), unknownKey(key.Name(), []string{"files"}))
		}
	}
	if !section.HasKey("files") {
		r.fail(s.at("include", ""), errors.New("no files"))
		return
	}
	list, err := r.scope(s).Expand(valueOf(section.Key("files")))
	if err != nil {
		r.fail(at, fmt.Errorf("files: %w", err))
		return
	}
	for _, pattern := range strings.Fields(list) {
		if err := r.includeAll(pattern); err != nil {
			each := *at
			r.fail(&each, fmt.Errorf("files: %w", err))
		}
	}
}

// maxFiles bounds what one profile includes.
const maxFiles = 1000

func (r *reader) includeAll(pattern string) error {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(r.src.Path), pattern)
	}
	if r.src.Include == nil {
		return fmt.Errorf("%q: there is nothing to include here", clip(pattern))
	}
	paths, err := r.src.Include(pattern)
	if err != nil {
		return fmt.Errorf("%q: %w", pattern, err)
	}
	if len(paths) == 0 && !strings.ContainsAny(pattern, "*?[") {
		return fmt.Errorf("%q: %w", pattern, unix.ENOENT)
	}
	if len(r.sources)+len(paths) > maxFiles {
		return fmt.Errorf("%q: more than %d files", pattern, maxFiles)
	}
	for _, path := range paths {
		if _, again := r.order[path]; again {
			return fmt.Errorf("%q is read already", path)
		}
		data, err := r.src.Read(path)
		if err != nil {
			return fmt.Errorf("%q: %w", path, cause(err))
		}
		r.add(path, data)
		if s := r.sources[len(r.sources)-1]; s.has("include") {
			return fmt.Errorf("%q includes others itself (line %d), which an included file cannot", path, s.lines[place{section: "include"}])
		}
	}
	return nil
}
