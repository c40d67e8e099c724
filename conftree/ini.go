package conftree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// An element is what one line of an INI text says.
type element struct {
	kind kind
	line int    // from 1
	text string // the section's name, the key, the rest of a value, or the line
	// value is what stands behind the key on its line.
	value string
}

type kind int

const (
	header kind = iota // [text]
	option             // text = value
	more               // a line that goes on with the value before it
	junk               // nothing that configparser understands
)

// elements gives the lines of an INI text that say something, by the rules of
// Python's configparser (RawConfigParser._read), which many servers read their
// confs with: a line that is indented more than the key before it is more of its
// value, whatever it looks like, and a section's name reaches to the last bracket
// of the line.
//
// It is no job for the ini library, which takes a section indented like the key
// before it for a value, and a back quote or three double quotes in a value for
// the begin of a text that reaches over sections.
func elements(text []byte) iter.Seq[element] {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	return func(yield func(element) bool) {
		indent, key, n := 0, false, 0
		for line := range bytes.Lines(text) {
			n++
			content := bytes.TrimSpace(line)
			if len(content) == 0 || content[0] == '#' || content[0] == ';' {
				continue
			}
			e := element{kind: more, line: n, text: string(content)}
			at := len(line) - len(bytes.TrimLeftFunc(line, unicode.IsSpace))
			if !key || at <= indent {
				indent = at
				e = parseElement(content, n)
				key = e.kind == option || key && e.kind == junk
			}
			if !yield(e) {
				return
			}
		}
	}
}

// parseElement reads a line that is not more of a value.
func parseElement(content []byte, n int) element {
	if end := bytes.LastIndexByte(content, ']'); content[0] == '[' && end >= 2 {
		return element{kind: header, line: n, text: string(content[1:end])}
	}
	at := bytes.IndexAny(content, "=:")
	if at < 1 {
		return element{kind: junk, line: n, text: string(content)}
	}
	return element{kind: option, line: n, text: string(bytes.TrimSpace(content[:at])), value: string(bytes.TrimSpace(content[at+1:]))}
}

// Settings gives what the conf at path, a file or a directory of .conf files, says
// in a section, by key. The error names the file and the line that configparser
// would refuse, or what keeps the conf from being read.
func Settings(path, section string) (map[string]string, error) {
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if files, err = parts(path); err != nil {
			return nil, err
		}
	}
	out := map[string]string{}
	for _, file := range files {
		text, err := readConf(file)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", file, err)
		}
		if err := settings(text, section, out); err != nil {
			return nil, fmt.Errorf("%s:%w", file, err)
		}
	}
	return out, nil
}

// parts are the files that a .conf.d consists of, as dirHas has them.
func parts(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, cause(err))
	}
	var files []string
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		info, err := os.Stat(file)
		if strings.HasSuffix(file, confExt) && !strings.HasPrefix(e.Name(), ".") && (err != nil || !info.IsDir()) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files, nil
}

// settings puts what an INI text says in a section into out.
func settings(text []byte, section string, out map[string]string) error {
	in, key := "", ""
	for e := range elements(text) {
		switch {
		case e.kind == header:
			in, key = e.text, ""
		case in == "":
			return fmt.Errorf("%d: %q stands before any [section]", e.line, clip(e.text))
		case e.kind == junk:
			return fmt.Errorf("%d: %q is neither [section] nor key = value", e.line, clip(e.text))
		case in != section:
		case e.kind == option:
			key, out[e.text] = e.text, e.value
		case key != "":
			out[key] += "\n" + e.text
		}
	}
	return nil
}

func clip(s string) string { return s[:min(len(s), 60)] }

func readConf(path string) ([]byte, error) {
	f, info, err := open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	return readINI(f, info)
}

// readINI reads what may be an INI text.
func readINI(f *os.File, info os.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConf+1))
	switch {
	case err != nil:
		return nil, cause(err)
	case len(data) > maxConf:
		return nil, fmt.Errorf("larger than %d bytes", maxConf)
	case bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("a NUL byte: this is no INI file")
	}
	return data, nil
}
