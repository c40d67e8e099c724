package pidfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWatch tells who wrote: mgr moves a file into place, services open and write.
func TestWatch(t *testing.T) {
	root := t.TempDir()
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w, err := d.Watch("a/b/x.pid")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if n, moved := w.Written(); n+moved != 0 {
		t.Errorf("written %d, moved %d before anything happened", n, moved)
	}
	if err := d.Write("a/b/x.pid", 77); err != nil {
		t.Fatal(err)
	}
	if n, moved := w.Written(); n != 0 || moved != 1 {
		t.Errorf("mgr's own: written %d, moved %d", n, moved)
	}
	for _, name := range []string{"a/b/x.pid", "a/b/y.pid", "a/b/x.pid.tmp"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("78\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fds := []unix.PollFd{{Fd: int32(w.FD()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int((10 * time.Second).Milliseconds())); n != 1 {
		t.Fatalf("poll: %d, %v", n, err)
	}
	if n, moved := w.Written(); n != 1 || moved != 0 {
		t.Errorf("a service's: written %d, moved %d", n, moved)
	}
}

// TestWatchMuch: whoever writes without a pause is not listened to without one.
func TestWatchMuch(t *testing.T) {
	root, name := t.TempDir(), strings.Repeat("x", 200)+".pid" // of which little is read at once
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w, err := d.Watch(name)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const times = 1500
	for range times {
		for _, file := range []string{name, "y.pid"} { // in turns: the same twice is told once
			if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, _ := w.Written()
	rest, _ := w.Written()
	if first == 0 || first == times || first+rest != times {
		t.Errorf("written %d, then %d, want %d in two parts", first, rest, times)
	}
}

// TestLines reads what services write into their pidfiles, where they may.
func TestLines(t *testing.T) {
	root := t.TempDir()
	for content, want := range map[string]int{
		"812\n": 812, "812": 812, "812 \n": 812, "812\r\n": 812, "812\n/srv/data\n1700000000\n5432\n": 812,
		"": 0, "\n812\n": 0, "                             812\n": 812,
		" \n812\n": 0, "\t812\n": 0, " -812\n": 0, "8 12\n": 0, "812 x\n": 0, "-812\n": 0, "1\n": 0, "812/813\n": 0,
	} {
		path := filepath.Join(root, "x.pid")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, lines := range []bool{true, false} {
			d, err := OpenDir(root)
			if err != nil {
				t.Fatal(err)
			}
			d.Lines = lines
			rec, err := d.Read("x.pid")
			if lines && (rec.PID != want || (err == nil) != (want != 0)) {
				t.Errorf("%q: got %d, %v, want %d", content, rec.PID, err, want)
			}
			if strict := content == "812\n" || content == "812"; !lines && (err == nil) != strict {
				t.Errorf("%q among mgr's own: got %d, %v", content, rec.PID, err)
			}
			if lines && want != 0 {
				if err := d.Remove("x.pid", want); err != nil {
					t.Error(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			d.Close()
		}
	}
}
