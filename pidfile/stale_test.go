package pidfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestTouch sets the time of a pidfile that still holds the pid, and of nothing else.
func TestTouch(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root)
	at := time.Date(2020, 2, 3, 4, 5, 6, 7000, time.UTC)
	if err := d.Write("a.pid", 4711); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(root, "a.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Touch("a.pid", 4712, at); !errors.Is(err, ErrChanged) {
		t.Errorf("another pid: got %v", err)
	}
	if err := d.Touch("b.pid", 4711, at); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no pidfile: got %v", err)
	}
	if err := os.Symlink("a.pid", filepath.Join(root, "link.pid")); err != nil {
		t.Fatal(err)
	}
	if err := d.Touch("link.pid", 4711, at); !errors.Is(err, ErrMalformed) {
		t.Errorf("a link: got %v", err)
	}
	if info, err := os.Stat(filepath.Join(root, "a.pid")); err != nil || !info.ModTime().Equal(before.ModTime()) {
		t.Errorf("its time has changed: %v, %v", info.ModTime(), err)
	}
	if err := d.Touch("a.pid", 4711, at); err != nil {
		t.Fatal(err)
	}
	rec, err := d.Read("a.pid")
	if err != nil || !rec.ModTime.Equal(at) || rec.PID != 4711 {
		t.Errorf("got %+v, %v", rec, err)
	}
}

// TestRestore puts a pidfile back with the time and the owner that it had.
func TestRestore(t *testing.T) {
	d := openDir(t, t.TempDir())
	want := Record{PID: 4711, UID: uint32(os.Geteuid()), ModTime: time.Date(2020, 2, 3, 4, 5, 6, 7000, time.Local)}
	if want.UID == 0 {
		want.UID = 65534
	}
	without(t, unix.CAP_FOWNER) // root that may do little may do it
	if err := d.Restore("web/a.pid", want); err != nil {
		t.Fatal(err)
	}
	got, err := d.Read("web/a.pid")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

// without takes a capability from the test, and its thread from all others.
func without(t *testing.T, capability int) {
	t.Helper()
	runtime.LockOSThread() // until its end
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	sets[capability/32].Effective &^= 1 << (capability % 32)
	if err := unix.Capset(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
}
