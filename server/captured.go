package server

import (
	"errors"
	"os"
	"slices"
	"strings"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server/logtail"
)

// A Captured is a file that the output of an instance goes to, or will go to.
type Captured struct {
	Stream string // stdout, stderr, or output for both
	Log    logtail.Log
}

// Captured finds where the output of the instance can be read: the log files that
// the profile names, whether they are there yet or not, the one that mgr picks, and
// the files that the process p, nil if none runs, has for its stdout and stderr: it
// may have been started with another profile, or have its logs renamed under it.
// The error says what could not be seen of that; the rest is given all the same.
func (i *Instance) Captured(p *pidfile.Process) ([]Captured, error) {
	paths, err := i.Logs()
	if temp := i.leftLog(p); temp != "" {
		paths = append(paths, LogPath{"output", temp})
	}
	paths = slices.DeleteFunc(paths, func(l LogPath) bool { return !i.fleet.believes(l.Path, p != nil) })
	var out []Captured
	for _, l := range paths {
		if !slices.ContainsFunc(out, func(c Captured) bool { return c.Log.Path == l.Path }) {
			out = append(out, Captured{l.Stream, logtail.Log{Path: l.Path}})
		}
	}
	if p == nil {
		return out, err
	}
	for n, stream := range []string{"stdout", "stderr"} {
		o, outErr := p.Output(n + 1)
		switch {
		case errors.Is(outErr, pidfile.ErrNoOutput), errors.Is(outErr, pidfile.ErrGone), errors.Is(outErr, os.ErrNotExist):
		case outErr != nil && err == nil:
			err = outErr
		case outErr != nil:
		default:
			out = withOutput(out, stream, o)
		}
	}
	return out, err
}

// leftLog is the temporary log of a server whose output mgr reads itself: there is one
// only if it was started without waiting. Of a server that runs, p, the descriptors tell.
func (i *Instance) leftLog(p *pidfile.Process) string {
	if p != nil || i.fleet.Profile.LogDir != "" || i.Program.Ready.Kind() != aliases.ReadyStdoutClose {
		return ""
	}
	if path := i.autoLog(); path != "" && exists(path) {
		return path
	}
	return ""
}

// believes says whether the log at path counts. One of mgr's temporary logs does so
// only in a directory that is the caller's own: where everybody may make files,
// anybody could have made it. And if its server runs, a temporary log that does not
// exist is not where that writes to: another user may have started it.
func (f *Fleet) believes(path string, runs bool) bool {
	top := f.tempLogs()
	if f.TempDir == "" || !strings.HasPrefix(path, top+"/") {
		return true
	}
	if !exists(path) {
		return !runs
	}
	return private(top)
}

// withOutput adds the file that a process writes to, unless it is among them. It
// closes the file if it is not needed.
func withOutput(have []Captured, stream string, o pidfile.Output) []Captured {
	for _, c := range have {
		if sameFile(c.Log, o.File) {
			o.File.Close()
			return have
		}
	}
	log := logtail.Log{Path: o.Path, File: o.File}
	switch {
	case !o.Gone && !sameFile(logtail.Log{Path: o.Path}, o.File):
		log.Held = true // the path is that of another mount namespace, or may not be followed
	case slices.ContainsFunc(have, func(c Captured) bool { return c.Log.Path == o.Path }):
		log.Held = true // it is followed already
	}
	return append(have, Captured{stream, log})
}

// sameFile says whether the log is the file that f is.
func sameFile(l logtail.Log, f *os.File) bool {
	other := l.File
	if other == nil {
		var err error
		if other, err = pidfile.ChaseFile(l.Path); err != nil {
			return false
		}
		defer other.Close()
	}
	a, err := other.Stat()
	b, err2 := f.Stat()
	return err == nil && err2 == nil && os.SameFile(a, b)
}
