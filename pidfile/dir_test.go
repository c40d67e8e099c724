package pidfile

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestOpenDir(t *testing.T) {
	tree := t.TempDir()
	put(t, tree, "file", "")
	check(t, unix.Mkfifo(tree+"/fifo", 0o644))
	check(t, os.Symlink(tree, tree+"/link"))
	for name, want := range map[string]error{"none": fs.ErrNotExist, "file": unix.ENOTDIR, "fifo": unix.ENOTDIR} {
		if _, err := OpenDir(tree + "/" + name); !errors.Is(err, want) {
			t.Errorf("OpenDir(%s): %v, want %v", name, err, want)
		}
	}
	check(t, openDir(t, tree+"/link").Write("x.pid", 812)) // a link to the directory is fine
	d, err := MakeDir(tree + "/a/b")
	check(t, err)
	defer d.Close()
	if info, err := os.Stat(tree + "/a/b"); err != nil || !info.IsDir() || d.Path() != tree+"/a/b" {
		t.Errorf("MakeDir: %v, %v", info, err)
	}
	if _, err := MakeDir(tree + "/file/b"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("MakeDir below a file: %v", err)
	}
}

// hostile makes a tree as its owner could leave it: everything but a pidfile
// under the names of pidfiles. It gives the file outside that links lead to.
func hostile(t *testing.T, tree string) (outside string) {
	t.Helper()
	outside = put(t, t.TempDir(), "victim.pid", "812\n")
	put(t, tree, "good.pid", "812\n")
	put(t, tree, "dir/sub/good.pid", "813\n")
	put(t, tree, "huge.pid", strings.Repeat("8", 10<<20))
	put(t, tree, "linked.pid", "812\n")
	check(t, os.Link(tree+"/linked.pid", tree+"/other-name"))
	check(t, os.Mkdir(tree+"/dir.pid", 0o755))
	check(t, unix.Mkfifo(tree+"/fifo.pid", 0o644))
	sock, err := net.Listen("unix", tree+"/sock.pid")
	check(t, err)
	t.Cleanup(func() { sock.Close() })
	for name, target := range map[string]string{
		"link.pid": "good.pid", "out.pid": outside, "zero.pid": "/dev/zero", "loop.pid": "loop.pid",
		"magic.pid": "/proc/self/fd/0", "dangling.pid": "none", "linkdir": "dir", "outdir": filepath.Dir(outside), "loopdir": "..",
		"dir/up": "../dir",
	} {
		check(t, os.Symlink(target, tree+"/"+name))
	}
	return outside
}

// reads are names in the hostile tree and what reading them gives: a pid, or
// why not.
var reads = []struct {
	name string
	pid  int
	err  error
	why  string
}{
	{"good.pid", 812, nil, ""},
	{"dir/sub/good.pid", 813, nil, ""},
	{"none.pid", 0, fs.ErrNotExist, ""},
	{"none/none.pid", 0, fs.ErrNotExist, ""},
	{"good.pid/none.pid", 0, fs.ErrNotExist, ""},
	{"fifo.pid/none.pid", 0, fs.ErrNotExist, ""},
	{"huge.pid", 0, ErrMalformed, "a file of 10485760 bytes"},
	{"linked.pid", 0, ErrMalformed, "a file with 2 links"},
	{"dir.pid", 0, ErrMalformed, "a directory"},
	{"fifo.pid", 0, ErrMalformed, "a FIFO"},
	{"sock.pid", 0, ErrMalformed, "a device or a socket"},
	{"link.pid", 0, ErrMalformed, "a symbolic link"},
	{"out.pid", 0, ErrMalformed, "a symbolic link"},
	{"zero.pid", 0, ErrMalformed, "a symbolic link"},
	{"loop.pid", 0, ErrMalformed, "a symbolic link"},
	{"magic.pid", 0, ErrMalformed, "a symbolic link"},
	{"dangling.pid", 0, ErrMalformed, "a symbolic link"},
	{"linkdir/sub/good.pid", 0, ErrMalformed, "a symbolic link"},
	{"dir/up/sub/good.pid", 0, ErrMalformed, "a symbolic link"},
	{"outdir/victim.pid", 0, ErrMalformed, "a symbolic link"},
	{"loopdir/good.pid", 0, ErrMalformed, "a symbolic link"},
	{"../x.pid", 0, ErrMalformed, "leads out"},
	{"dir/../good.pid", 0, ErrMalformed, "leads out"},
	{"/etc/passwd", 0, ErrMalformed, "leads out"},
	{"", 0, ErrMalformed, "leads out"},
	{".", 0, ErrMalformed, "a directory"},
	{"a\x00b", 0, unix.EINVAL, ""},
	{strings.Repeat("x", 300), 0, unix.ENAMETOOLONG, ""},
}

func TestRead(t *testing.T) {
	tree := t.TempDir()
	hostile(t, tree)
	d := openDir(t, tree)
	for _, tt := range reads {
		rec, err := d.Read(tt.name)
		if rec.PID != tt.pid || !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.why) {
			t.Errorf("Read(%.40q) = %+v, %v, want %d, %v %q", tt.name, rec, err, tt.pid, tt.err, tt.why)
		}
	}
	want := Record{PID: 812, UID: uint32(os.Geteuid()), ModTime: time.Unix(1e9, 5000)}
	check(t, os.Chtimes(tree+"/good.pid", want.ModTime, want.ModTime))
	got, err := d.Read("good.pid")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Read: %v (-want +got)\n%s", err, diff)
	}
}

func TestReadUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user: root reads everything")
	}
	tree := t.TempDir()
	check(t, os.Chmod(put(t, tree, "x.pid", "812\n"), 0))
	put(t, tree, "dir/x.pid", "812\n")
	check(t, os.Chmod(tree+"/dir", 0))
	defer os.Chmod(tree+"/dir", 0o755)
	d := openDir(t, tree)
	for _, name := range []string{"x.pid", "dir/x.pid"} {
		if f := d.Inspect(name, serverID); f.State != Unknown || !errors.Is(f.Err, fs.ErrPermission) {
			t.Errorf("%s: %v, %v", name, f.State, f.Err)
		}
	}
}

func TestReadDevice(t *testing.T) {
	needRoot(t)
	tree := t.TempDir()
	if err := unix.Mknod(tree+"/null.pid", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Skip("cannot make devices:", err)
	}
	if _, err := openDir(t, tree).Read("null.pid"); !errors.Is(err, ErrMalformed) {
		t.Errorf("a device: %v", err)
	}
}

// TestReadLeased reads a file whose owner holds a lease on it: an ordinary
// open(2) would hang until the lease is broken, /proc/sys/fs/lease-break-time.
func TestReadLeased(t *testing.T) {
	tree := t.TempDir()
	f, err := os.OpenFile(put(t, tree, "x.pid", "812\n"), os.O_RDWR, 0)
	check(t, err)
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip("no leases here:", err)
	}
	if found := openDir(t, tree).Inspect("x.pid", serverID); found.State != Unknown || !errors.Is(found.Err, unix.EAGAIN) {
		t.Errorf("%v, %v", found.State, found.Err)
	}
}

// TestReadChanging reads a file that another process truncates and rewrites in
// place: whatever is read, it is one of the pids or nothing.
func TestReadChanging(t *testing.T) {
	tree := t.TempDir()
	d := openDir(t, tree)
	path := put(t, tree, "x.pid", "4000001\n")
	done := make(chan error, 1)
	go func() {
		var err error
		for n := 0; n < 500 && err == nil; n++ {
			err = os.WriteFile(path, fmt.Appendf(nil, "%d\n", 4000000+n%2), 0o644)
		}
		done <- err
	}()
	for {
		rec, err := d.Read("x.pid")
		if err != nil && !errors.Is(err, ErrMalformed) || err == nil && rec.PID/2 != 2000000 {
			t.Fatalf("read %d, %v", rec.PID, err)
		}
		select {
		case err := <-done:
			check(t, err)
			return
		default:
		}
	}
}

func TestWrite(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // of a stage
	tree := t.TempDir()
	d := openDir(t, tree)
	for _, name := range []string{"x.pid", "a/b/c/x.pid", "x.pid", "latin1-\xe9.pid"} {
		check(t, d.Write(name, 812))
		raw, err := os.ReadFile(tree + "/" + name)
		check(t, err)
		info, err := os.Lstat(tree + "/" + name)
		check(t, err)
		if string(raw) != "812" || info.Mode() != 0o644 {
			t.Errorf("%s: %q, %v", name, raw, info.Mode())
		}
	}
	check(t, d.Write("x.pid", 813))
	if rec, err := d.Read("x.pid"); rec.PID != 813 || err != nil {
		t.Errorf("overwritten: %+v, %v", rec, err)
	}
	if left, _ := filepath.Glob(tree + "/.mgr*"); left != nil {
		t.Errorf("left: %q", left)
	}
}

// TestWriteLeftover finds what a writer left that was killed, and things that
// were planted under the name of the temporary file.
func TestWriteLeftover(t *testing.T) {
	tree := t.TempDir()
	outside := hostile(t, tree)
	d := openDir(t, tree)
	for n, plant := range []func(tmp string) error{
		func(tmp string) error { return os.WriteFile(tmp, []byte("9"), 0o600) },
		func(tmp string) error { return os.Symlink(outside, tmp) },
		func(tmp string) error { return os.Link(outside, tmp) },
		func(tmp string) error { return unix.Mkfifo(tmp, 0o600) },
	} {
		name := fmt.Sprintf("dir/%d.pid", n)
		tmp := tree + "/" + temporary(name)
		check(t, plant(tmp))
		if names, err := d.List([]string{""}); err != nil || strings.Contains(strings.Join(names, " "), ".mgr") {
			t.Errorf("the leftover is listed: %q, %v", names, err)
		}
		check(t, d.Write(name, 815))
		if rec, err := d.Read(name); rec.PID != 815 || err != nil {
			t.Errorf("%d: %+v, %v", n, rec, err)
		}
		if _, err := os.Lstat(tmp); !os.IsNotExist(err) {
			t.Errorf("%d: the leftover is there: %v", n, err)
		}
	}
	if raw, _ := os.ReadFile(outside); string(raw) != "812\n" {
		t.Errorf("the file outside holds %q", raw)
	}
	check(t, os.Mkdir(tree+"/"+temporary("x.pid"), 0o755))
	if err := d.Write("x.pid", 815); !errors.Is(err, unix.EISDIR) {
		t.Errorf("a directory in the way: %v", err)
	}
}

func TestWriteHostile(t *testing.T) {
	tree := t.TempDir()
	outside := hostile(t, tree)
	d := openDir(t, tree)
	before := descriptors(t)
	for _, name := range []string{"linkdir/x.pid", "outdir/x.pid", "outdir/new/x.pid", "loopdir/x.pid", "dir/up/x.pid", "good.pid/x.pid",
		"fifo.pid/x.pid", "../x.pid", "dir.pid", "link.pid/x.pid", "dangling.pid/x.pid", "dangling.pid/new/x.pid"} {
		if err := d.Write(name, 815); err == nil {
			t.Errorf("Write(%q) worked", name)
		}
	}
	// What stands under the name itself is replaced, not written through.
	for _, name := range []string{"out.pid", "fifo.pid", "linked.pid", "sock.pid", "dangling.pid"} {
		check(t, d.Write(name, 815))
		if rec, err := d.Read(name); rec.PID != 815 || err != nil {
			t.Errorf("%s: %+v, %v", name, rec, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(outside))
	check(t, err)
	raw, _ := os.ReadFile(outside)
	other, _ := os.ReadFile(tree + "/other-name")
	if len(entries) != 1 || string(raw) != "812\n" || string(other) != "812\n" {
		t.Errorf("changed: %v, %q, %q", entries, raw, other)
	}
	if left, _ := filepath.Glob(tree + "/.mgr*"); left != nil {
		t.Errorf("left: %q", left)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
