package pidfile

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRemove(t *testing.T) {
	tree := t.TempDir()
	outside := hostile(t, tree)
	put(t, tree, "malformed.pid", "x")
	put(t, tree, "empty.pid", "")
	d := openDir(t, tree)
	before := descriptors(t)
	for _, tt := range []struct {
		name string
		pid  int
		err  error
		gone bool
	}{
		{"none.pid", 812, nil, true},
		{"none/none.pid", 0, nil, true},
		{"good.pid/none.pid", 812, nil, true},
		{"good.pid", 8, ErrChanged, false},
		{"good.pid", 0, ErrChanged, false}, // malformed no more
		{"good.pid", 812, nil, true},
		{"dir/sub/good.pid", 812, ErrChanged, false},
		{"dir/sub/good.pid", 813, nil, true},
		{"malformed.pid", 812, ErrMalformed, false},
		{"malformed.pid", 0, nil, true},
		{"empty.pid", 0, nil, true},
		{"huge.pid", 0, nil, true},
		{"linked.pid", 812, ErrMalformed, false},
		{"linked.pid", 0, nil, true}, // the name, not the file
		// Not regular: who put it there may take it away.
		{"fifo.pid", 0, ErrMalformed, false},
		{"sock.pid", 0, ErrMalformed, false},
		{"dir.pid", 0, ErrMalformed, false},
		{"out.pid", 0, ErrMalformed, false},
		{"out.pid", 812, ErrMalformed, false},
		{"linkdir/up", 0, ErrMalformed, false},
		{"outdir/victim.pid", 812, ErrMalformed, false},
		{"outdir/victim.pid", 0, ErrMalformed, false},
		{"../x.pid", 0, ErrMalformed, true},
		{".", 0, ErrMalformed, false},
	} {
		if err := d.MayRemove(tt.name, tt.pid); !errors.Is(err, tt.err) {
			t.Errorf("MayRemove(%q, %d): %v, want %v", tt.name, tt.pid, err, tt.err)
		}
		err := d.Remove(tt.name, tt.pid)
		if !errors.Is(err, tt.err) {
			t.Errorf("Remove(%q, %d): %v, want %v", tt.name, tt.pid, err, tt.err)
		}
		if _, err := os.Lstat(tree + "/" + tt.name); (err != nil) != tt.gone {
			t.Errorf("Remove(%q, %d): then %v", tt.name, tt.pid, err)
		}
	}
	for _, path := range []string{outside, tree + "/other-name"} {
		if raw, err := os.ReadFile(path); err != nil || string(raw) != "812\n" {
			t.Errorf("%s: %q, %v", path, raw, err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// TestDirVanishes goes on with a directory that is not there any more.
func TestDirVanishes(t *testing.T) {
	tree := t.TempDir() + "/run"
	d, err := MakeDir(tree)
	check(t, err)
	defer d.Close()
	check(t, os.Remove(tree))
	if f := d.Inspect("x.pid", serverID); f.State != Stopped {
		t.Errorf("Inspect: %v, %v", f.State, f.Err)
	}
	if err := d.Write("x.pid", 812); !errors.Is(err, unix.ENOENT) {
		t.Errorf("Write: %v", err)
	}
	if err := d.Remove("x.pid", 812); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if names, err := d.List([]string{""}); len(names) > 0 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List: %q, %v", names, err)
	}
	if err := d.TryLock("x.pid"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("TryLock: %v", err)
	}
}

// TestWriteFails is a run directory that is full, or read-only: no pidfile, no
// torn one, and nothing left over.
func TestWriteFails(t *testing.T) {
	inNamespace(t, unix.CLONE_NEWNS, func(t *testing.T) {
		tree := t.TempDir()
		check(t, unix.Mount("tmpfs", tree, "tmpfs", 0, "size=8192"))
		defer unix.Unmount(tree, unix.MNT_DETACH)
		d := openDir(t, tree)
		defer d.Close()
		check(t, d.Write("x.pid", 812))
		put(t, tree, "filler", string(make([]byte, 4096)))
		if err := d.Write("x.pid", 813); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("full: %v", err)
		}
		check(t, unix.Mount("", tree, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		if err := d.Write("x.pid", 813); !errors.Is(err, unix.EROFS) {
			t.Errorf("read-only: %v", err)
		}
		if err := d.TryLock("x.pid"); !errors.Is(err, unix.EROFS) {
			t.Errorf("read-only: %v", err)
		}
		if rec, err := d.Read("x.pid"); rec.PID != 812 || err != nil {
			t.Errorf("then: %+v, %v", rec, err)
		}
		entries, err := os.ReadDir(tree)
		if err != nil || len(entries) != 2 {
			t.Errorf("left: %v, %v", entries, err)
		}
	})
}

// TestMayRemove asks about a directory that cannot be written: nothing is removed.
func TestMayRemove(t *testing.T) {
	tree := t.TempDir()
	put(t, tree, "x.pid", "812")
	d := openDir(t, tree)
	check(t, d.MayRemove("x.pid", 812))
	if rec, err := d.Read("x.pid"); err != nil || rec.PID != 812 {
		t.Errorf("then %v, %v", rec, err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root may write it")
	}
	check(t, os.Chmod(tree, 0o500))
	defer os.Chmod(tree, 0o700)
	if err := d.MayRemove("x.pid", 812); !errors.Is(err, unix.EACCES) {
		t.Errorf("got %v, want %v", err, unix.EACCES)
	}
}
