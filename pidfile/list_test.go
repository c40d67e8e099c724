package pidfile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestList(t *testing.T) {
	tree := t.TempDir()
	hostile(t, tree)
	for _, name := range []string{
		"demo-server.pid", "demo-server/1.pid", "demo-server/a/b.pid", "demo-server/a/c.pid.d", "demo-server/2.pid~", "demo-server/x.pidx",
		"demo-server/.hidden.pid", "demo-server/new\nline.pid", "demo-server/\xff.pid", "demo-server-evil/x.pid", "other/1.pid",
		"not-demo-server.pid", ".mgr.lock", ".mgr.abc", "demo", "demo-serve", "demo-server/.pid",
	} {
		put(t, tree, name, "812\n")
	}
	check(t, os.Symlink("..", tree+"/demo-server/loop"))
	check(t, os.Symlink("../other", tree+"/demo-server/dir.pid"))
	check(t, unix.Mkfifo(tree+"/demo-server/fifo.pid", 0o644))
	deep := "demo-server" + strings.Repeat("/d", maxDepth-1)
	put(t, tree, deep+"/x.pid", "")
	put(t, tree, deep+"/d/x.pid", "")
	put(t, tree, deep+"/d/d/too-deep.pid", "")
	d := openDir(t, tree)
	got, err := d.List([]string{"demo-server", "nothing"})
	want := []string{
		"demo-server/.hidden.pid", "demo-server/.pid", "demo-server/1.pid", "demo-server/a/b.pid", "demo-server/a/c.pid.d",
		deep + "/x.pid", "demo-server/dir.pid", "demo-server/fifo.pid", "demo-server/new\nline.pid", "demo-server/\xff.pid",
		"demo-server-evil/x.pid", "demo-server.pid",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("List: %v (-want +got)\n%s", err, diff)
	}
	if got, err := d.List(nil); len(got) > 0 || err != nil {
		t.Errorf("nothing asked for: %q, %v", got, err)
	}
}

// TestListChanging lists a tree whose directories come and go.
func TestListChanging(t *testing.T) {
	tree := t.TempDir()
	put(t, tree, "demo/stays/x.pid", "")
	d := openDir(t, tree)
	done := make(chan error, 1)
	go func() {
		var err error
		for n := 0; n < 100 && err == nil; n++ {
			if err = os.MkdirAll(tree+"/demo/goes/a/b", 0o755); err == nil {
				err = os.RemoveAll(tree + "/demo/goes")
			}
		}
		done <- err
	}()
	for {
		names, err := d.List([]string{"demo"})
		if err != nil || !slices.Equal(names, []string{"demo/stays/x.pid"}) {
			t.Fatalf("%q, %v", names, err)
		}
		select {
		case err := <-done:
			check(t, err)
			return
		default:
		}
	}
}

func TestListUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user: root reads everything")
	}
	tree := t.TempDir()
	put(t, tree, "demo/closed/x.pid", "")
	put(t, tree, "demo/x.pid", "")
	check(t, os.Chmod(tree+"/demo/closed", 0))
	defer os.Chmod(tree+"/demo/closed", 0o755)
	names, err := openDir(t, tree).List([]string{"demo"})
	if diff := cmp.Diff([]string{"demo/x.pid"}, names); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestListCrowded gives up on a directory that somebody filled, and tells what
// it found before.
func TestListCrowded(t *testing.T) {
	tree := t.TempDir()
	put(t, tree, "demo/a/x.pid", "")
	for n := range 5 {
		put(t, tree, fmt.Sprintf("demo/b/%d.pid", n), "")
	}
	d := openDir(t, tree)
	left := 4
	fsys := noLinks{d, &left} // demo, a, b and x.pid
	for _, name := range []string{".", "demo", "demo/a"} {
		if _, err := fsys.ReadDir(name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if entries, err := fsys.ReadDir("demo/b"); entries != nil || !errors.Is(err, errCrowded) || left != 0 {
		t.Errorf("%d entries, %v, %d left", len(entries), err, left)
	}
	if err := skipUnreadable("demo/b", errCrowded); err != errCrowded {
		t.Errorf("goes on after %v", err)
	}
}

// manyPidfiles makes a tree of n pidfiles that hold pid, a thousand a directory:
// in memory where it can, as /run is.
func manyPidfiles(t testing.TB, n, pid int) (tree string, names []string) {
	t.Helper()
	tree, err := os.MkdirTemp("/dev/shm", "pidfile-test-")
	if err != nil {
		tree = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(tree) })
	for i := range n {
		if i%1000 == 0 {
			check(t, os.Mkdir(fmt.Sprintf("%s/demo-%03d", tree, i/1000), 0o755))
		}
		name := fmt.Sprintf("demo-%03d/%03d.pid", i/1000, i%1000)
		check(t, os.WriteFile(tree+"/"+name, fmt.Appendln(nil, pid), 0o644))
		names = append(names, name)
	}
	return tree, names
}

func TestListMany(t *testing.T) {
	tree, want := manyPidfiles(t, 10_000, 812)
	got, err := openDir(t, tree).List([]string{"demo"})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d names, %v", len(got), err)
	}
}

func BenchmarkList(b *testing.B) {
	tree, names := manyPidfiles(b, 10_000, 812)
	d := openDir(b, tree)
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.List([]string{"demo"})
		if err != nil || len(got) != len(names) {
			b.Fatal(len(got), err)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	server := start(b, "good", serverArgv, setsid)
	tree, names := manyPidfiles(b, 10_000, server.pid())
	d := openDir(b, tree)
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range names {
			f := d.Inspect(name, serverID)
			if f.State != Running {
				b.Fatal(f.State, f.Err)
			}
			f.Process.Close()
		}
	}
}
