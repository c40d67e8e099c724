package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"mgr/aliases"
)

// A LogPath is where a stream of a server goes.
type LogPath struct {
	Stream string // stdout or stderr
	Path   string
}

// Logs gives the log files that the profile names for the instance, and, where
// it names none, the one that mgr picks; none for what goes nowhere.
func (i *Instance) Logs() ([]LogPath, error) {
	var out []LogPath
	auto := false
	for _, s := range []struct {
		stream string
		file   aliases.LogFile
	}{{"stdout", i.Program.StdoutLog}, {"stderr", i.Program.StderrLog}} {
		switch {
		case s.stream == "stderr" && i.Program.RedirectStderr, s.file == aliases.LogNone:
			continue
		case s.file == aliases.LogAuto:
			auto = true
			continue
		}
		path, err := i.logPath(s.file)
		if err != nil {
			return nil, err
		}
		out = append(out, LogPath{s.stream, path})
	}
	if i.Program.Ready.Kind() == aliases.ReadyStdoutClose {
		auto = false // mgr reads what it writes
	}
	if path := i.autoLog(); auto && path != "" {
		out = append(out, LogPath{"output", path})
	}
	return out, nil
}

// logPath fills in the variables of a log file's name.
func (i *Instance) logPath(file aliases.LogFile) (string, error) {
	words, err := i.fleet.words(i.Program, []string{string(file)}, i.unit())
	if err != nil {
		return "", err
	}
	switch path := words[0]; {
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	case i.fleet.Profile.LogDir != "":
		return filepath.Join(i.fleet.Profile.LogDir, path), nil
	default:
		return "", fmt.Errorf("%q is no absolute path, and the profile has no log_dir", path)
	}
}

// autoLog is the log of a server whose profile names none: below log_dir, or a
// temporary one; "" if there is no place for it.
func (i *Instance) autoLog() string {
	dir := i.fleet.Profile.LogDir
	if dir == "" {
		if i.fleet.TempDir == "" {
			return ""
		}
		dir = i.fleet.tempLogs()
	}
	return filepath.Join(dir, i.log+".log")
}

// tempLogs is the directory of the temporary logs.
func (f *Fleet) tempLogs() string { return filepath.Join(f.TempDir, "mgr-"+strconv.Itoa(os.Getuid())) }

// private says whether the directory at path is the caller's, and closed to others.
func private(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR &&
		int(st.Uid) == os.Geteuid() && st.Mode&0o077 == 0
}

// A logError is what is wrong with one of the two keys for log files.
type logError struct {
	key string
	err error
}

func (e *logError) Error() string { return e.key + ": " + e.err.Error() }

// logs says which log files the stage is to open: those that the profile names,
// and those below its log_dir.
func (i *Instance) logs() ([]stageLog, error) {
	p := i.Program
	var out []stageLog
	for n, file := range []aliases.LogFile{p.StdoutLog, p.StderrLog} {
		l := stageLog{FD: n + 1}
		switch {
		case n == 1 && p.RedirectStderr:
			l.Same = true
		case file == aliases.LogNone:
			l.Null = true
		case file != aliases.LogAuto:
			path, err := i.logPath(file)
			if err != nil {
				return nil, &logError{[]string{"stdout_logfile", "stderr_logfile"}[n], err}
			}
			l.Path = path
		case i.fleet.Profile.LogDir != "" && p.Ready.Kind() != aliases.ReadyStdoutClose:
			l.Path = i.autoLog()
		default:
			continue // what mgr gives it
		}
		out = append(out, l)
	}
	return out, nil
}

// openOutput gives what the server gets for its stdout and stderr, as far as
// the stage opens nothing else: a pipe that mgr reads, or a temporary log; -1
// for nothing.
func (c *Child) openOutput() (int, error) {
	if c.mode.Foreground {
		return -1, nil
	}
	if !c.listens() {
		return c.openTemp(), nil
	}
	var output [2]int
	if err := unix.Pipe2(output[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	c.output = output[0]
	return output[1], nil
}

// listens says whether mgr reads the server's output.
func (c *Child) listens() bool {
	if c.mode.NoWait {
		return false
	}
	return c.mode.test || c.mode.Once || c.Instance.Program.Ready.Kind() == aliases.ReadyStdoutClose
}

// openTemp opens the temporary log, anew: the one before is kept as .old. Its
// directory has to be the caller's alone, since others may write beside it;
// where that cannot be had, -1: output that nobody asked for is no reason not
// to start a server.
func (c *Child) openTemp() int {
	i, p := c.Instance, c.Instance.Program
	if i.fleet.TempDir == "" || i.fleet.Profile.LogDir != "" {
		return -1
	}
	if p.StdoutLog != aliases.LogAuto && (p.RedirectStderr || p.StderrLog != aliases.LogAuto) {
		return -1 // nothing would go there
	}
	if os.Geteuid() == 0 && trusted(i.fleet.TempDir) != nil {
		return -1
	}
	path := i.autoLog()
	top := i.fleet.tempLogs()
	if err := os.Mkdir(top, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return -1
	}
	if !private(top) {
		return -1
	}
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return -1
	}
	_ = os.Rename(path, path+".old")
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_APPEND|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o640)
	if err != nil {
		return -1
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		c.notes = append(c.notes, logNote{path: path, dev: uint64(st.Dev), ino: st.Ino})
	}
	return fd
}

// A logNote is a log file as it was when the server began to write to it.
type logNote struct {
	path     string
	dev, ino uint64
	offset   int64
}

// same says whether other is the same file.
func (n logNote) same(other logNote) bool { return n.dev == other.dev && n.ino == other.ino }

// lastLines is how much of a log is shown of a server that died.
const lastLines = 20

// ReadLogs takes the last lines that the server has written to its logs.
func (c *Child) ReadLogs() {
	if c.read {
		return
	}
	c.read = true
	for at, n := range c.notes {
		if slices.ContainsFunc(c.notes[:at], n.same) {
			continue // stdout and stderr
		}
		text := tail(n.since())
		if len(text) > 0 {
			c.Output = append(c.Output, text...)
			c.Logged = append(c.Logged, n.path)
		}
	}
}

// since reads what was written to the log since the server's start, the last
// 64 KiB of it. Whoever owns the directory may have put another file there.
func (n logNote) since() []byte {
	fd, err := unix.Open(n.path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), n.path)
	defer f.Close()
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || uint64(st.Dev) != n.dev || st.Ino != n.ino || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	from := n.offset
	if st.Size < from {
		from = 0 // it was truncated
	}
	text, _ := lastOutput(f, from, st.Size)
	return text
}

// lastOutput reads a log of that size to its end, from an offset on, but no more
// than maxOutput of it.
func lastOutput(f *os.File, from, size int64) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(f, max(from, size-maxOutput), maxOutput))
}

// tail gives the last lines of a text.
func tail(text []byte) []byte {
	lines := bytes.SplitAfter(bytes.TrimRight(text, "\n"), []byte("\n"))
	lines = lines[max(0, len(lines)-lastLines):]
	out := bytes.Join(lines, nil)
	if len(out) > 0 {
		out = append(out, '\n')
	}
	return out
}

// parseLogNote reads what the stage says of a log that it opened:
// O<dev> <ino> <offset> <path>.
func parseLogNote(line string) (logNote, bool) {
	var n logNote
	f := strings.SplitN(line, " ", 4)
	if len(f) != 4 {
		return n, false
	}
	var errs [3]error
	n.dev, errs[0] = strconv.ParseUint(f[0], 10, 64)
	n.ino, errs[1] = strconv.ParseUint(f[1], 10, 64)
	n.offset, errs[2] = strconv.ParseInt(f[2], 10, 64)
	var err error
	n.path, err = strconv.Unquote(f[3])
	return n, errors.Join(errs[0], errs[1], errs[2], err) == nil
}
