package pidfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestChaseFile opens regular files, and nothing else.
func TestChaseFile(t *testing.T) {
	top := t.TempDir()
	path := put(t, top, "real/x.log", "text\n")
	check(t, unix.Mkfifo(top+"/fifo", 0o600))
	check(t, os.Symlink("real", top+"/own"))
	check(t, os.Symlink("real/x.log", top+"/link.log"))
	check(t, os.Symlink("nowhere", top+"/dangling"))
	check(t, os.Symlink(os.DevNull, top+"/null"))
	for name, want := range map[string]error{
		"real/x.log": nil, "own/x.log": nil, "link.log": nil, "own/../real/./x.log": nil,
		"real/y.log": fs.ErrNotExist, "none/x.log": fs.ErrNotExist, "dangling": fs.ErrNotExist, "real/x.log/y": unix.ENOTDIR,
		"fifo": errAny, "real": errAny, "null": errAny,
	} {
		text, err := readFile(ChaseFile(filepath.Join(top, name)))
		if want == errAny && err != nil {
			continue
		}
		if !errors.Is(err, want) || err == nil && text != "text\n" {
			t.Errorf("%s: got %q, %v, want %v", name, text, err, want)
		}
	}
	check(t, os.Link(path, top+"/other.log"))
	if _, err := readFile(ChaseFile(path)); (err == nil) != (os.Geteuid() != 0) {
		t.Errorf("a file of two links: %v", err)
	}
}

var errAny = errors.New("any error")

func readFile(f *os.File, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}

// TestChaseFilePlanted: root follows no link in a directory of somebody else.
func TestChaseFilePlanted(t *testing.T) {
	needRoot(t)
	top := t.TempDir()
	put(t, top, "secret", "root's\n")
	put(t, top, "home/mine.log", "his\n")
	check(t, os.Symlink("../secret", top+"/home/x.log"))
	check(t, os.Symlink("..", top+"/home/up"))
	check(t, os.Chown(top+"/home", nobody, nobody))
	for name, want := range map[string]error{"home/mine.log": nil, "home/x.log": unix.ELOOP, "home/up/secret": unix.ELOOP} {
		if text, err := readFile(ChaseFile(top + "/" + name)); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v, want %v", name, text, err, want)
		}
	}
}

// TestOutput reads what a process writes to, and nothing that it only has open.
func TestOutput(t *testing.T) {
	top := t.TempDir()
	open := func(name string, flags int) *os.File {
		f, err := os.OpenFile(top+"/"+name, flags, 0o600)
		check(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	put(t, top, "read", "secret\n")
	check(t, unix.Mkfifo(top+"/fifo", 0o600))
	log, gone := open("log", os.O_CREATE|os.O_WRONLY|os.O_APPEND), open("gone", os.O_CREATE|os.O_RDWR)
	others := []*os.File{gone, open("read", os.O_RDONLY), open("read", unix.O_PATH), open("fifo", os.O_RDWR)}
	d := start(t, "good", serverArgv, func(c *exec.Cmd) { c.Stderr, c.ExtraFiles = log, others })
	p := handle(t, d.pid())
	for _, f := range []*os.File{log, gone} {
		_, err := f.WriteString("text\n")
		check(t, err)
	}
	check(t, os.Remove(top+"/gone"))
	check(t, os.Rename(top+"/log", top+"/log.1"))
	for fd, want := range map[int]Output{2: {Path: top + "/log.1"}, 3: {Path: top + "/gone", Gone: true}} {
		o, err := p.Output(fd)
		text, err2 := readFile(o.File, err)
		if o.File = nil; err2 != nil || text != "text\n" || o != want {
			t.Errorf("%d: got %+v, %q, %v, want %+v", fd, o, text, err2, want)
		}
	}
	for fd, want := range map[int]error{0: ErrNoOutput, 1: ErrNoOutput, 4: ErrNoOutput, 5: ErrNoOutput, 6: ErrNoOutput, 99: fs.ErrNotExist} {
		if o, err := p.Output(fd); !errors.Is(err, want) {
			t.Errorf("%d: got %+v, %v, want %v", fd, o, err, want)
		}
	}
	d.kill()
	if _, err := p.Output(2); err == nil {
		t.Error("a process that is gone has output")
	}
}

func TestParseWrites(t *testing.T) {
	for _, tt := range []struct {
		raw        string
		writes, ok bool
	}{
		{"pos:\t0\nflags:\t0100001\nmnt_id:\t4\n", true, true},
		{"pos:\t0\nflags:\t02102002\n", true, true},
		{"flags:\t0100000\n", false, true},
		{"flags:\t0100003\n", false, true}, // neither read nor write, for ioctl only
		{"flags:\t010100001\n", false, true},
		{"flags:\t9\n", false, false},
		{"flags:\n", false, false},
		{"", false, false},
	} {
		if writes, err := parseWrites([]byte(tt.raw)); writes != tt.writes || (err == nil) != tt.ok {
			t.Errorf("%q: got %v, %v", tt.raw, writes, err)
		}
	}
}
