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

// maxConf is the most that is read of a conf, in bytes.
const maxConf = 16 << 20

// hasSection says whether the conf at path, a file or a directory of .conf
// files, has the section. What cannot be read of a directory counts only if the
// rest of it has not.
func hasSection(path, section string) (bool, error) {
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
	data, err := readINI(f, info)
	return err == nil && hasHeader(data, section), err
}

// hasHeader says whether an INI text has the section. What configparser would
// refuse is passed over: the server itself will say so.
func hasHeader(text []byte, section string) bool {
	for e := range elements(text) {
		if e.kind == header && e.text == section {
			return true
		}
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
