package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Only what is certainly not there is passed over.
func TestPresent(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("file"), nil, 0o600), os.Mkdir(at("closed"), 0),
		os.Symlink("loop", at("loop")), os.Symlink("nowhere", at("lost"))); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, want string
		err        error
	}{
		{at("file"), at("file"), nil},
		{at("lost"), at("lost"), nil}, // to be complained about when it is read
		{at("none"), "", nil},
		{at("none/mgr.conf"), "", nil},
		{at("file/mgr.conf"), "", nil},
		{at("loop/mgr.conf"), "", unix.ELOOP},
		{at("closed/mgr.conf"), "", unix.EACCES},
	} {
		if tt.err == unix.EACCES && os.Geteuid() == 0 {
			continue // root may look into it
		}
		got, err := present(tt.path)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v", tt.path, got, err)
		}
		if err != nil && err.Error() != "profile "+tt.path+": "+tt.err.Error() {
			t.Errorf("%s: got %v", tt.path, err)
		}
	}
}
