package server

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBelieves: of temporary logs those of mgr itself count.
func TestBelieves(t *testing.T) {
	f := &Fleet{TempDir: t.TempDir()}
	top := f.tempLogs()
	path := filepath.Join(top, "web.log")
	tests := func(what string, stopped, runs bool) {
		t.Helper()
		if f.believes(path, false) != stopped || f.believes(path, true) != runs {
			t.Errorf("%s: not %v, or not %v", what, stopped, runs)
		}
	}
	tests("yet to be made", true, false)
	for _, mode := range []os.FileMode{0o755, 0o700} {
		if err := os.RemoveAll(top); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(top, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		own := mode == 0o700
		tests(mode.String(), own, own)
	}
	path = "/var/log/web.log"
	tests("one of the profile's", true, true)
	f.TempDir = ""
	path = top + "/web.log"
	tests("without a place for temporary ones", true, true)
}
