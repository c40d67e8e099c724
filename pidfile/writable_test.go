package pidfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWritable: what Write would fail at is told before, and nothing is left of the question.
func TestWritable(t *testing.T) {
	const name = "a/x.pid"
	for _, tt := range []struct {
		name  string
		make  func(root string) error
		want  error
		lacks bool // Try sees it, too: it has nothing to do with the way to the name
	}{
		{"nothing there", func(string) error { return nil }, nil, false},
		{"a pidfile", func(root string) error {
			return errors.Join(os.Mkdir(root+"/a", 0o755), os.WriteFile(root+"/"+name, []byte("812"), 0o644))
		}, nil, false},
		{"what a killed writer left", func(root string) error { return os.WriteFile(root+"/"+temporary(name), nil, 0o644) }, nil, false},
		{"a directory instead", func(root string) error { return os.Mkdir(root+"/"+temporary(name), 0o755) }, unix.EISDIR, true},
		{"a file on the way", func(root string) error { return os.WriteFile(root+"/a", nil, 0o644) }, unix.ENOTDIR, false},
		{"a link on the way", func(root string) error { return os.Symlink(root, root+"/a") }, unix.ELOOP, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			check(t, tt.make(root))
			d := openDir(t, root)
			before, _ := filepath.Glob(root + "/*/*")
			if err := d.Writable(name); !errors.Is(err, tt.want) {
				t.Errorf("Writable: %v, want %v", err, tt.want)
			}
			if err := d.Try(name); (err != nil) != tt.lacks {
				t.Errorf("Try: %v", err)
			}
			if after, _ := filepath.Glob(root + "/*/*"); len(after) != len(before) {
				t.Errorf("left: %v", after)
			}
			if err := d.Write(name, 812); (err != nil) != (tt.want != nil) {
				t.Errorf("Write: %v", err)
			}
		})
	}
}

// TestWritableDenied: a directory that the caller may not write is told of.
func TestWritableDenied(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may")
	}
	root := t.TempDir()
	check(t, os.MkdirAll(root+"/a", 0o755))
	t.Cleanup(func() { // or it could not be removed
		check(t, os.Chmod(root, 0o755))
		check(t, os.Chmod(root+"/a", 0o755))
	})
	check(t, os.Chmod(root+"/a", 0o555))
	if err := openDir(t, root).Writable("a/x.pid"); !errors.Is(err, unix.EACCES) {
		t.Errorf("below it: %v", err)
	}
	check(t, os.Chmod(root, 0o555))
	if err := openDir(t, root).Writable("x.pid"); !errors.Is(err, unix.EACCES) {
		t.Errorf("itself: %v", err)
	}
}
