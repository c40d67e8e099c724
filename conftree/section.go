package conftree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/ini.v1"
)

// maxConf is the most that is read of a conf, in bytes.
const maxConf = 16 << 20

// options read the INI files of other programs as Python's configparser does,
// as far as sections go, and put up with what it would refuse.
var options = ini.LoadOptions{
	SkipUnrecognizableLines:    true,
	AllowPythonMultilineValues: true,
	IgnoreContinuation:         true,
	IgnoreInlineComment:        true,
}

// HasSection says whether the conf at path, a file or a directory of .conf
// files, has the section.
func HasSection(path, section string) (bool, error) {
	files := []string{path}
	if info, err := os.Stat(path); err != nil {
		return false, cause(err)
	} else if info.IsDir() {
		if files, err = confsIn(path); err != nil {
			return false, cause(err)
		}
	}
	for _, file := range files {
		has, err := fileHas(file, section)
		if has || err != nil {
			return has, err
		}
	}
	return false, nil
}

// confsIn gives what a .conf.d consists of (read_conf_dir in
// swift/common/utils.py).
func confsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), confExt) && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

func fileHas(path, section string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, cause(err)
	}
	if !info.Mode().IsRegular() {
		return false, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return false, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConf))
	if err != nil {
		return false, cause(err)
	}
	file, err := ini.LoadSources(options, data)
	if err != nil {
		return false, fmt.Errorf("not an INI file: %w", err)
	}
	return file.HasSection(section), nil
}

// cause drops the path of a *fs.PathError: the caller names it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
