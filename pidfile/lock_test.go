package pidfile

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lockHolder takes the lock of x.pid below the directory at descriptor 3.
func lockHolder() {
	d := DirFromFile(os.NewFile(3, "run directory"))
	if err := d.TryLock("x.pid"); err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(1)
	}
	ready()
	leash()
}

// handing passes a file on as descriptor 3.
func handing(f *os.File) func(*exec.Cmd) {
	return func(c *exec.Cmd) { c.ExtraFiles = []*os.File{f} }
}

func mustBeLocked(t *testing.T, d *Dir, name string) {
	t.Helper()
	if err := d.TryLock(name); !errors.Is(err, ErrLocked) {
		t.Fatalf("TryLock(%q): %v, want %v", name, err, ErrLocked)
	}
}

// TestMayLock makes no lock file, and takes no lock.
func TestMayLock(t *testing.T) {
	tree := t.TempDir()
	a, b := openDir(t, tree), openDir(t, tree)
	check(t, a.MayLock("x.pid"))
	if names, err := os.ReadDir(tree); err != nil || len(names) > 0 {
		t.Errorf("then there are %v, %v", names, err)
	}
	check(t, b.TryLock("x.pid"))
	if err := a.MayLock("x.pid"); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want %v", err, ErrLocked)
	}
	b.Unlock("x.pid")
	check(t, a.MayLock("x.pid"))
	check(t, b.TryLock("x.pid"))
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	tree = t.TempDir()
	check(t, os.Chmod(tree, 0o500))
	if err := openDir(t, tree).MayLock("x.pid"); !errors.Is(err, unix.EACCES) {
		t.Errorf("got %v, want %v", err, unix.EACCES)
	}
}

// TestLock takes locks through two openings of one directory.
func TestLock(t *testing.T) {
	tree := t.TempDir()
	a, b := openDir(t, tree), openDir(t, tree)
	if a.LockFile() != nil {
		t.Error("a lock file before the first lock")
	}
	check(t, a.TryLock("x.pid"))
	check(t, a.TryLock("x.pid")) // one's own is no hindrance
	mustBeLocked(t, b, "x.pid")
	check(t, b.TryLock("y.pid")) // that of another instance is not either
	mustBeLocked(t, a, "y.pid")
	a.Unlock("x.pid")
	check(t, b.TryLock("x.pid"))
	mustBeLocked(t, a, "x.pid")
	check(t, b.Close())
	check(t, a.TryLock("x.pid"))
	check(t, a.TryLock("y.pid"))
	openDir(t, tree).Unlock("x.pid") // what one does not hold
	mustBeLocked(t, openDir(t, tree), "x.pid")
	if names, err := a.List([]string{""}); len(names) > 0 || err != nil {
		t.Errorf("listed: %q, %v", names, err)
	}
}

// TestAwaitLock waits for a lock that another opening holds, and takes nothing: whoever
// wants it then gets it.
func TestAwaitLock(t *testing.T) {
	tree := t.TempDir()
	a, b := openDir(t, tree), openDir(t, tree)
	check(t, a.TryLock("x.pid"))
	mustBeLocked(t, b, "x.pid")
	before := descriptors(t)
	wait, err := b.AwaitLock("x.pid")
	check(t, err)
	free := make(chan error, 1)
	go func() { free <- wait() }()
	select {
	case err := <-free:
		t.Fatalf("does not wait: %v", err)
	default:
	}
	a.Unlock("x.pid")
	select {
	case err := <-free:
		check(t, err)
	case <-time.After(patience):
		t.Fatal("still waiting")
	}
	check(t, openDir(t, tree).TryLock("x.pid"))
	mustBeLocked(t, b, "x.pid")
	if after := descriptors(t); after != before+2 { // those of openDir
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// TestLockKilled kills a holder, and takes the lock that it held.
func TestLockKilled(t *testing.T) {
	d := openDir(t, t.TempDir())
	holder := start(t, "lock", []string{"mgr"}, handing(d.File()))
	mustBeLocked(t, d, "x.pid")
	check(t, d.TryLock("y.pid"))
	holder.end()
	check(t, d.TryLock("x.pid"))
}

// TestLockInherited gives the lock file to a child: the lock stays when its
// taker has closed the directory, and goes with the child.
func TestLockInherited(t *testing.T) {
	tree := t.TempDir()
	d, other := openDir(t, tree), openDir(t, tree)
	check(t, d.TryLock("x.pid"))
	stage := start(t, "good", []string{"stage"}, handing(d.LockFile()))
	bystander := start(t, "good", []string{"bystander"}) // close-on-exec
	check(t, d.Close())
	mustBeLocked(t, other, "x.pid")
	stage.end()
	check(t, other.TryLock("x.pid"))
	bystander.end()
}

func TestLockFile(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		defer syscall.Umask(syscall.Umask(umask))
		tree := t.TempDir()
		check(t, openDir(t, tree).TryLock("x.pid"))
		info, err := os.Lstat(tree + "/" + lockName)
		check(t, err)
		if info.Mode() != 0o600 || info.Size() != 0 {
			t.Errorf("mode %v, %d bytes", info.Mode(), info.Size())
		}
	}
}

// TestLockFileOwner is root locking in another user's directory, who must be
// able to lock there too.
func TestLockFileOwner(t *testing.T) {
	needRoot(t)
	tree := t.TempDir()
	check(t, os.Chown(tree, nobody, nobody))
	d := openDir(t, tree)
	check(t, d.TryLock("y.pid"))
	var st unix.Stat_t
	check(t, unix.Lstat(tree+"/"+lockName, &st))
	if st.Uid != nobody || st.Gid != nobody || st.Mode&0o777 != 0o600 {
		t.Errorf("of %d:%d, mode %o", st.Uid, st.Gid, st.Mode)
	}
	start(t, "lock", []string{"mgr"}, handing(d.File()), asNobody)
	mustBeLocked(t, d, "x.pid")
	var other unix.Stat_t
	check(t, unix.Fstat(int(d.LockFile().Fd()), &other))
	if other.Ino != st.Ino {
		t.Error("not the same lock file")
	}
}

// TestLockPlanted finds something else under the lock file's name.
func TestLockPlanted(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"link to a file":    func(p string) error { return os.Symlink("victim", p) },
		"link to nothing":   func(p string) error { return os.Symlink("none", p) },
		"link to a device":  func(p string) error { return os.Symlink("/dev/null", p) },
		"FIFO":              func(p string) error { return unix.Mkfifo(p, 0o666) },
		"directory":         func(p string) error { return os.Mkdir(p, 0o755) },
		"link to directory": func(p string) error { return os.Symlink(".", p) },
	} {
		tree := t.TempDir()
		victim := put(t, tree, "victim", "812\n")
		check(t, plant(tree+"/"+lockName))
		d := openDir(t, tree)
		before := descriptors(t)
		await := func(name string) error {
			_, err := d.AwaitLock(name)
			return err
		}
		for _, lock := range []func(string) error{d.TryLock, await} {
			if err := lock("x.pid"); err == nil || errors.Is(err, ErrLocked) {
				t.Errorf("%s: %v", name, err)
			}
		}
		d.Unlock("x.pid")
		if after := descriptors(t); after != before || d.LockFile() != nil {
			t.Errorf("%s: %d descriptors, %d before", name, after, before)
		}
		if _, err := os.Lstat(tree + "/none"); err == nil {
			t.Errorf("%s: made through a link", name)
		}
		if raw, _ := os.ReadFile(victim); string(raw) != "812\n" {
			t.Errorf("%s: the victim holds %q", name, raw)
		}
	}
}

// TestLockLeased opens a lock file whose owner holds a lease: it does not hang.
func TestLockLeased(t *testing.T) {
	tree := t.TempDir()
	f, err := os.OpenFile(put(t, tree, lockName, ""), os.O_RDWR, 0)
	check(t, err)
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip("no leases here:", err)
	}
	if err := openDir(t, tree).TryLock("x.pid"); !errors.Is(err, unix.EAGAIN) || errors.Is(err, ErrLocked) {
		t.Errorf("TryLock: %v", err)
	}
}

func TestOffset(t *testing.T) {
	seen := map[int64]string{}
	for _, name := range []string{"", "x.pid", "y.pid", "a/x.pid", "a/y.pid", "b/x.pid", "object-server/1.pid", "object-server/11.pid"} {
		n := offset(name)
		if n < 0 || n+1 < 0 || seen[n] != "" {
			t.Errorf("offset(%q) = %d, also of %q", name, n, seen[n])
		}
		seen[n] = name
	}
}
