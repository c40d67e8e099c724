package conftree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// maxConf is the most that is read of a conf, in bytes.
const maxConf = 16 << 20

// HasSection says whether the conf at path, a file or a directory of .conf
// files, has the section. What cannot be read of a directory counts only if the
// rest of it has not.
func HasSection(path, section string) (bool, error) {
	f, info, err := open(path)
	if err != nil {
		return false, cause(err)
	}
	defer f.Close()
	if info.IsDir() {
		return dirHas(f, section)
	}
	return fileHas(f, info, section)
}

// open never waits for somebody to write to a FIFO.
func open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// dirHas looks at what a .conf.d consists of (read_conf_dir in
// swift/common/utils.py).
func dirHas(dir *os.File, section string) (bool, error) {
	names, err := dir.Readdirnames(-1)
	slices.Sort(names)
	errs := []error{cause(err)}
	for _, name := range names {
		if !strings.HasSuffix(name, confExt) || strings.HasPrefix(name, ".") {
			continue
		}
		has, err := partHas(filepath.Join(dir.Name(), name), section)
		if has {
			return true, nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", name, err))
		}
	}
	return false, errors.Join(errs...)
}

// partHas is for a file of a .conf.d. Directories are none.
func partHas(path, section string) (bool, error) {
	f, info, err := open(path)
	if err != nil {
		return false, cause(err)
	}
	defer f.Close()
	if info.IsDir() {
		return false, nil
	}
	return fileHas(f, info, section)
}

func fileHas(f *os.File, info fs.FileInfo, section string) (bool, error) {
	if !info.Mode().IsRegular() {
		return false, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConf+1))
	switch {
	case err != nil:
		return false, cause(err)
	case len(data) > maxConf:
		return false, fmt.Errorf("larger than %d bytes", maxConf)
	case bytes.IndexByte(data, 0) >= 0:
		return false, errors.New("a NUL byte: this is no INI file")
	}
	return hasHeader(data, section), nil
}

// hasHeader says whether an INI text has the section, by the rules of Python's
// configparser (RawConfigParser._read), which the servers read their confs with:
// a line that is indented more than the key before it is more of its value,
// whatever it looks like, and a section's name reaches to the last bracket of
// the line. What configparser would refuse is passed over: the server itself
// will say so.
//
// It is no job for the ini library, which takes a section indented like the key
// before it for a value, and a back quote or three double quotes in a value for
// the begin of a text that reaches over sections.
func hasHeader(text []byte, section string) bool {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	indent, key := 0, false
	for line := range bytes.Lines(bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))) {
		content := bytes.TrimSpace(line)
		if len(content) == 0 || content[0] == '#' || content[0] == ';' {
			continue
		}
		at := len(line) - len(bytes.TrimLeftFunc(line, unicode.IsSpace))
		if key && at > indent {
			continue
		}
		indent = at
		end := bytes.LastIndexByte(content, ']')
		if content[0] != '[' || end < 2 {
			key = key || bytes.IndexAny(content, "=:") > 0
			continue
		}
		if string(content[1:end]) == section {
			return true
		}
		key = false
	}
	return false
}

// cause drops the path of a *fs.PathError: the caller names it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
