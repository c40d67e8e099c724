package aliases

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A profile may come through a pipe: mgr --profile <(generate).
func TestLoadPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	written := make(chan error)
	go func() { // more than a pipe holds: it has to be read meanwhile
		_, err := w.WriteString(family + strings.Repeat("#\n", 1<<16))
		written <- errors.Join(err, w.Close())
	}()
	p, err := Load(Source{Path: fmt.Sprintf("/dev/fd/%d", r.Fd())})
	if err != nil || len(p.Programs) != 11 {
		t.Errorf("got %v, %v", p, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// A FIFO is waited for if it has a writer.
func TestLoadFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() { // more than a FIFO holds: it stays open until it is read
		_, err := w.WriteString(family + strings.Repeat("#\n", 1<<16))
		written <- errors.Join(err, w.Close())
	}()
	p, err := Load(Source{Path: path})
	if err != nil || len(p.Programs) != 11 {
		t.Errorf("got %v, %v", p, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// What nobody will ever write to keeps nobody waiting, nor does a device.
func TestLoadNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo, link, including := filepath.Join(dir, "fifo.ini"), filepath.Join(dir, "link.ini"), filepath.Join(dir, "including")
	if err := errors.Join(unix.Mkfifo(fifo, 0o600), os.Symlink(fifo, link),
		os.WriteFile(including, []byte("[include]\nfiles = *.ini\n[program:a]\ncommand = x\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		fifo:        "profile " + fifo + ": a pipe without content that nobody writes to",
		link:        "profile " + link + ": a pipe without content that nobody writes to",
		"/dev/null": "profile /dev/null: neither a file nor a pipe",
		"/dev/zero": "profile /dev/zero: neither a file nor a pipe",
		including:   including + `:2: [include]: files: "` + fifo + `": no regular file`,
	} {
		if _, err := Load(Source{Path: path}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}
