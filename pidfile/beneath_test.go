package pidfile

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{
		".": true, "x": true, "a/b": true, "..x": true, ".mgr.lock": true, "a/...": true, "\xff": true, "a b\n": true,
		"": false, "/": false, "/a": false, "a/": false, "a//b": false, "..": false, "../a": false, "a/..": false,
		"a/../b": false, "a/.": false, "./a": false,
	} {
		if got := valid(name); got != want {
			t.Errorf("valid(%q) = %v", name, got)
		}
	}
}

// TestWalk opens everything in a hostile tree both ways: what does without
// openat2(2) must give the same answers.
func TestWalk(t *testing.T) {
	tree := t.TempDir()
	hostile(t, tree)
	d := openDir(t, tree)
	before := descriptors(t)
	names := []string{"dir", "dir/sub", "linkdir", "outdir", "loopdir", "linkdir/sub", "dir/up", "outdir/none", "dir/none/none", "other-name"}
	for _, tt := range reads {
		names = append(names, tt.name)
	}
	for _, flags := range []int{
		unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY, // Read
		unix.O_PATH | unix.O_DIRECTORY,                  // Write, Remove
		unix.O_RDONLY | unix.O_DIRECTORY,                // List
	} {
		for _, name := range names {
			want := describeOpen(t, openBeneath, d.fd(), name, flags)
			got := describeOpen(t, walkValid, d.fd(), name, flags)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q, flags %#x (-openat2 +walk)\n%s", name, flags, diff)
			}
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// walkValid is openBeneath on a kernel without openat2(2).
func walkValid(dirfd int, name string, flags int) (int, error) {
	if !valid(name) {
		return -1, unix.EXDEV
	}
	return walk(dirfd, name, flags)
}

// describeOpen says what open opened, or why not.
func describeOpen(t *testing.T, open func(int, string, int) (int, error), dirfd int, name string, flags int) string {
	t.Helper()
	fd, err := open(dirfd, name, flags)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	check(t, unix.Fstat(fd, &st))
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	check(t, err)
	return fmt.Sprintf("inode %d, mode %o, flags %d", st.Ino, st.Mode, have)
}

// TestMount meets a file system that is mounted below the directory.
func TestMount(t *testing.T) {
	inNamespace(t, unix.CLONE_NEWNS, func(t *testing.T) {
		tree := t.TempDir()
		put(t, tree, "demo/x.pid", "812\n")
		check(t, unix.Mount("tmpfs", tree+"/demo", "tmpfs", 0, ""))
		defer unix.Unmount(tree+"/demo", unix.MNT_DETACH)
		put(t, tree, "demo/x.pid", "813\n")
		d := openDir(t, tree)
		if f := d.Inspect("demo/x.pid", serverID); f.State != Malformed {
			t.Errorf("Inspect: %v, %v", f.State, f.Err)
		}
		if names, err := d.List([]string{"demo"}); len(names) > 0 || err != nil {
			t.Errorf("List: %q, %v", names, err)
		}
		for _, open := range []func(int, string, int) (int, error){openBeneath, walk} {
			if _, err := open(d.fd(), "demo/x.pid", unix.O_RDONLY); err != unix.EXDEV {
				t.Errorf("open: %v", err)
			}
		}
		if err := d.Write("demo/y.pid", 812); err == nil {
			t.Error("written")
		}
	})
}

// TestMountedFile meets files that are mounted in the place of mgr's own: a file system
// that never answers may be behind them.
func TestMountedFile(t *testing.T) {
	inNamespace(t, unix.CLONE_NEWNS, func(t *testing.T) {
		tree, other := t.TempDir(), t.TempDir()
		put(t, other, "file", "x")
		for _, name := range []string{"x.pid", lockName, temporary("x.pid")} {
			put(t, tree, name, "x")
			check(t, unix.Mount(other+"/file", tree+"/"+name, "", unix.MS_BIND, ""))
			defer unix.Unmount(tree+"/"+name, unix.MNT_DETACH)
		}
		d := openDir(t, tree)
		for what, err := range map[string]error{"MayLock": d.MayLock("x.pid"), "TryLock": d.TryLock("x.pid"), "Writable": d.Writable("x.pid")} {
			if !errors.Is(err, unix.EXDEV) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, err := range map[string]error{"MayRemove": d.MayRemove("x.pid", 0), "Remove": d.Remove("x.pid", 0)} {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestUninterrupted(t *testing.T) {
	calls := 0
	n, err := uninterrupted(func() (int, error) {
		if calls++; calls < 3 {
			return -1, unix.EINTR
		}
		return 7, os.ErrInvalid
	})
	if n != 7 || err != os.ErrInvalid || calls != 3 {
		t.Errorf("%d, %v after %d calls", n, err, calls)
	}
}
