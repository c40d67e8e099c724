package pidfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A run directory's owner may nest and fill it at will: these bound what List
// looks at. A quarter of a million entries take about a second.
const (
	maxDepth   = 16
	maxEntries = 1 << 18
)

// errCrowded says that there are more than maxEntries.
var errCrowded = fmt.Errorf("more than %d entries, not looked at further", maxEntries)

// List names everything below d that could be a pidfile, directory by
// directory in lexical order: entries that are no directories and end in .pid
// or .pid.d, below directories and files of the top whose names begin with one
// of prefixes. It follows no link, and leaves out directories that it cannot
// read. With an error it gives what it has found so far.
func (d *Dir) List(prefixes []string) ([]string, error) {
	var names []string
	left := maxEntries
	err := fs.WalkDir(noLinks{d, &left}, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return skipUnreadable(name, err)
		}
		if name == "." {
			return nil
		}
		if !strings.Contains(name, "/") && !hasPrefix(name, prefixes) {
			return skip(e)
		}
		if e.IsDir() {
			if strings.Count(name, "/") >= maxDepth {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".pid") || strings.HasSuffix(name, ".pid.d") {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		err = d.fail("list", ".", err)
	}
	return names, err
}

func skip(e fs.DirEntry) error {
	if e.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// skipUnreadable leaves out directories that vanish or cannot be read, but not
// the top.
func skipUnreadable(name string, err error) error {
	if name == "." || errors.Is(err, errCrowded) {
		return err
	}
	return nil
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// noLinks is d as an fs.FS whose directories are opened without following
// links, and whose entries are counted.
type noLinks struct {
	d    *Dir
	left *int
}

func (n noLinks) Open(name string) (fs.File, error) {
	fd, err := n.d.openat(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	// By its full name: os.File looks up what the directory does not tell of an
	// entry by path, on file systems without a d_type, readdir(3).
	return os.NewFile(uintptr(fd), filepath.Join(n.d.path, name)), nil
}

func (n noLinks) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := n.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.(*os.File).ReadDir(*n.left + 1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if len(entries) > *n.left {
		return nil, errCrowded
	}
	*n.left -= len(entries)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}
