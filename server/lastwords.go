package server

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"mgr/pidfile"
)

// Words are the last that a server has written to its logs.
type Words struct {
	Path  string // of the log
	When  time.Time
	Lines []string // the last ones; none: the log is empty
}

// LastWords gives the end of that log of the instance that was written to last;
// the error is fs.ErrNotExist if there is none. Root follows no link that
// somebody else could have made.
func (i *Instance) LastWords() (Words, error) {
	logs, err := i.Logs()
	if err != nil {
		return Words{}, err
	}
	var last Words
	err = fs.ErrNotExist
	for _, l := range logs {
		w, e := lastWords(l.Path)
		if e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
		newer := w.When.After(last.When) || len(last.Lines) == 0
		if e == nil && (last.Path == "" || newer && len(w.Lines) > 0) {
			last = w
		}
	}
	if last.Path != "" {
		return last, nil
	}
	return last, err
}

func lastWords(path string) (Words, error) {
	f, err := pidfile.ChaseFile(path)
	if err != nil {
		return Words{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Words{}, err
	}
	text, err := lastOutput(f, 0, info.Size())
	if err != nil {
		return Words{}, err
	}
	w := Words{Path: path, When: info.ModTime()}
	for line := range strings.Lines(string(tail(text))) {
		if line = strings.TrimSpace(line); line != "" {
			w.Lines = append(w.Lines, line)
		}
	}
	return w, nil
}
