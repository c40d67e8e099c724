package conftree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// plant makes a tree in a directory of its own. An entry is "file", "directory/", "link -> target" or "file = text".
func plant(t testing.TB, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	plantAt(t, root, entries...)
	return root
}

func plantAt(t testing.TB, root string, entries ...string) {
	t.Helper()
	for _, entry := range entries {
		name, target, isLink := strings.Cut(entry, " -> ")
		name, text, _ := strings.Cut(name, " = ")
		path := filepath.Join(root, name)
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case isLink:
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path))
		default:
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// names gives what was found as "name rel".
func names(confs []Conf) []string {
	var out []string
	for _, c := range confs {
		out = append(out, strings.TrimSpace(c.Name+" "+c.Rel))
	}
	return out
}

func TestFind(t *testing.T) {
	tests := []struct {
		name string
		tree []string
		want []string
	}{
		{"nothing", nil, nil},
		{"flat", []string{"web.conf", "web.ini", "web", "other.conf"}, []string{"web.conf"}},
		{"names that begin the same", []string{"web1.conf", "web-old.conf", "webber.conf"},
			[]string{"web-old.conf", "web1.conf", "webber.conf"}},
		{"case counts", []string{"Web.conf", "web/A.conf", "web/a.CONF"}, []string{"A web/A.conf"}},
		{"a directory", []string{"web/2.conf", "web/10.conf", "web/1.conf", "web/1.conf~", "web/readme"},
			[]string{"1 web/1.conf", "10 web/10.conf", "2 web/2.conf"}},
		{"names of their own only in the directory of the base", []string{"web/1.conf", "web-old/1.conf", "web.conf"},
			[]string{"web-old/1.conf", "web.conf", "1 web/1.conf"}},
		{"nested", []string{"web/a/b/1.conf", "web/a/2.conf", "web/3.conf"},
			[]string{"3 web/3.conf", "2 web/a/2.conf", "1 web/a/b/1.conf"}},
		{"a conf directory at the top", []string{"web.conf.d/1.conf", "web.conf.d/2.conf"}, []string{"web.conf.d"}},
		{"conf directories", []string{"web/1.conf.d/a.conf", "web/2.conf.d/", "web/base.conf-base"},
			[]string{"1 web/1.conf.d", "2 web/2.conf.d"}},
		{"beside a conf directory nothing is descended into", []string{"web/1.conf.d/", "web/2.conf", "web/sub/3.conf"},
			[]string{"1 web/1.conf.d", "2 web/2.conf"}},
		{"a conf directory stops only its siblings", []string{"web/a/1.conf.d/", "web/b/2.conf"},
			[]string{"1 web/a/1.conf.d", "2 web/b/2.conf"}},
		{"a file called like a conf directory", []string{"web/1.conf.d"}, nil},
		{"directories called like confs", []string{"web.conf/1.conf", "web/x.conf/2.conf"},
			[]string{"web.conf/1.conf", "2 web/x.conf/2.conf"}},
		{"conf in the middle", []string{"web.conf.bak/1.conf", "web/1.conf.2.conf"},
			[]string{"web.conf.bak/1.conf", "1.conf.2 web/1.conf.2.conf"}},
		{"hidden ones", []string{".web.conf", "web/.1.conf", "web/.d/2.conf"}, []string{".1 web/.1.conf", "2 web/.d/2.conf"}},
		{"odd names", []string{"web/[x].conf", "web/a b.conf", "web/new\nline.conf", "web/*.conf", "web/ä.conf"},
			[]string{"* web/*.conf", "[x] web/[x].conf", "a b web/a b.conf", "new\nline web/new\nline.conf", "ä web/ä.conf"}},
		{"links to files", []string{"any = x", "web.conf -> any", "web/1.conf -> ../any", "web/2.conf -> nowhere"},
			[]string{"web.conf", "1 web/1.conf", "2 web/2.conf"}},
		{"a link to a directory is followed at the top only", []string{"real/1.conf", "real/sub/2.conf", "web -> real", "web2/x -> ../real"},
			[]string{"1 web/1.conf", "2 web/sub/2.conf"}},
		{"a link to a conf directory", []string{"real/a.conf", "web/1.conf.d -> ../real"}, []string{"1 web/1.conf.d"}},
		{"a link to itself", []string{"web/loop -> .", "web/1.conf -> 1.conf"}, []string{"1 web/1.conf"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := plant(t, tt.tree...)
			got, err := Find(root, Search{Base: "web"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, names(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, c := range got {
				if c.Path != filepath.Join(root, c.Rel) {
					t.Errorf("path %q is not root and %q", c.Path, c.Rel)
				}
			}
		})
	}
}

func TestFindBelowOddRoots(t *testing.T) {
	for _, name := range []string{"plain", "with [x]", "web", "web.conf", "a\nb", "%(here)s"} {
		root := filepath.Join(t.TempDir(), name)
		plantAt(t, root, "web/1.conf")
		for _, spelling := range []string{root, root + "/", root + "/.", filepath.Dir(root) + "//" + name} {
			got, err := Find(spelling, Search{Base: "web"})
			if err != nil || len(got) != 1 || got[0].Path != root+"/web/1.conf" || got[0].Pidfile("web") != "web/1.pid" {
				t.Errorf("%q: got %+v, %v", spelling, got, err)
			}
		}
	}
}

func TestFindErrors(t *testing.T) {
	root := plant(t, "file = x", "web/1.conf")
	if got, err := Find(filepath.Join(root, "nowhere"), Search{Base: "web"}); got != nil || err != nil {
		t.Errorf("no root: got %v, %v", got, err)
	}
	if _, err := Find(filepath.Join(root, "file"), Search{Base: "web"}); !errors.As(err, new(*fs.PathError)) {
		t.Errorf("a file for a root: got %v", err)
	}
}

// What cannot be read keeps nobody from the rest.
func TestFindUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	root := plant(t, "web/1.conf", "web-old/1.conf", "web/x/2.conf")
	for _, dir := range []string{"web-old", "web/x"} {
		if err := os.Chmod(filepath.Join(root, dir), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(filepath.Join(root, dir), 0o755) })
	}
	got, err := Find(root, Search{Base: "web"})
	if diff := cmp.Diff([]string{"1 web/1.conf"}, names(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var se *SectionError
	if !errors.As(err, &se) || !errors.Is(err, fs.ErrPermission) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got error %v", err)
	}
}

// A directory may go while the tree is searched: nobody may be troubled by that.
func TestFindVanishing(t *testing.T) {
	root := plant(t, "web/1.conf", "web/sub/2.conf")
	stop, stopped := make(chan struct{}), make(chan error)
	go func() { // who edits the tree at the same time
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			err := errors.Join(os.RemoveAll(root+"/web/sub"), os.WriteFile(root+"/web/sub", nil, 0o644), os.Remove(root+"/web/sub"),
				os.Mkdir(root+"/web/sub", 0o755), os.WriteFile(root+"/web/sub/2.conf", nil, 0o644))
			if err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 2000 {
		if got, err := Find(root, Search{Base: "web"}); err != nil || len(got) == 0 || len(got) > 2 {
			t.Errorf("got %v, %v", names(got), err)
			break
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestFindSection(t *testing.T) {
	root := plant(t, "web/1.conf = [app]\n[worker]\n", "web/2.conf = [app]\n", "web/3.conf -> nowhere",
		"web/4.conf.d/a.conf = [app]\n", "web/4.conf.d/b.conf = [worker]\n", "web/5.conf = \x00[worker]\n")
	if err := unix.Mkfifo(filepath.Join(root, "web/6.conf"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Find(root, Search{Base: "web", Section: "worker"})
	if diff := cmp.Diff([]string{"1 web/1.conf", "4 web/4.conf.d"}, names(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := fmt.Sprintf(`conf %q: no such file or directory
conf %q: a NUL byte: this is no INI file
conf %q: not a regular file`, root+"/web/3.conf", root+"/web/5.conf", root+"/web/6.conf")
	if err == nil || err.Error() != want {
		t.Errorf("got error\n%v\nwant\n%s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause of the first is lost")
	}
}

func BenchmarkFind(b *testing.B) {
	entries := make([]string, 10_000)
	for i := range entries {
		entries[i] = fmt.Sprintf("web/%d.conf", i)
	}
	root := plant(b, entries...)
	b.ReportAllocs()
	for b.Loop() {
		if got, err := Find(root, Search{Base: "web"}); err != nil || len(got) != len(entries) {
			b.Fatal(len(got), err)
		}
	}
}
