package pidfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestChase: root follows links of its own only.
func TestChase(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	top := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(top, "real/run"), 0o755))
	must(os.Mkdir(filepath.Join(top, "home"), 0o755))
	must(os.Symlink("real", filepath.Join(top, "own")))
	must(os.Symlink(filepath.Join(top, "real/run"), filepath.Join(top, "absolute")))
	must(os.Symlink("loop", filepath.Join(top, "loop")))
	must(os.Symlink("../real", filepath.Join(top, "home/planted")))
	must(os.Chown(filepath.Join(top, "home"), 65534, 65534))
	for _, tt := range []struct {
		path    string
		missing Missing
		want    error
	}{
		{"real/run", LeaveIt, nil},
		{"own/run", LeaveIt, nil},
		{"absolute", LeaveIt, nil},
		{"own/../real/run", LeaveIt, nil},
		{"own/new/deep", LeaveIt, unix.ENOENT},
		{"own/new/deep", MakeIt, nil},
		{"home", LeaveIt, nil},
		{"home/new", MakeIt, nil},
		{"home/planted", LeaveIt, unix.ELOOP},
		{"home/planted/new", MakeIt, unix.ELOOP},
		{"loop", LeaveIt, unix.ELOOP},
	} {
		d, err := Chase(filepath.Join(top, tt.path), tt.missing)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.path, err, tt.want)
		}
		if err == nil {
			d.Close()
		}
	}
	if _, err := os.Stat(filepath.Join(top, "real/new/deep")); err != nil {
		t.Error(err)
	}
	if names, _ := os.ReadDir(filepath.Join(top, "real")); len(names) != 2 {
		t.Errorf("made where it must not: %v", names)
	}
}
