package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInstall: make install leaves these files where it is told to, and make
// uninstall none of them.
func TestInstall(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	dir := t.TempDir()
	root := filepath.Join(dir, "the root")
	target := func(name string) {
		t.Helper()
		cmd := exec.Command("make", name, "BIN="+filepath.Join(dir, "b i n"), "DESTDIR="+root, "PREFIX=/opt/mgr")
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("make %s: %v\n%s", name, err, out)
		}
	}
	target("install")
	want := map[string]string{
		"opt/mgr/bin/mgr": "-rwxr-xr-x",
		"opt/mgr/share/bash-completion/completions/mgr":    "-rw-r--r--",
		"opt/mgr/share/fish/vendor_completions.d/mgr.fish": "-rw-r--r--",
		"opt/mgr/share/man/man1/mgr.1":                     "-rw-r--r--",
		"opt/mgr/share/man/man5/mgr.conf.5":                "-rw-r--r--",
		"opt/mgr/share/zsh/site-functions/_mgr":            "-rw-r--r--",
	}
	if diff := cmp.Diff(want, installed(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for name, begins := range map[string]string{
		"share/man/man1/mgr.1": `.\" `, "share/man/man5/mgr.conf.5": `.\" `,
		"share/bash-completion/completions/mgr": "# bash", "share/zsh/site-functions/_mgr": "#compdef mgr", "share/fish/vendor_completions.d/mgr.fish": "# fish",
	} {
		text, err := os.ReadFile(filepath.Join(root, "opt/mgr", name))
		if err != nil || !strings.HasPrefix(string(text), begins) {
			t.Errorf("%s: %v, %.20q", name, err, text)
		}
	}
	target("uninstall")
	if left := installed(t, root); len(left) > 0 {
		t.Errorf("uninstall leaves %v", left)
	}
}

// installed are the files below root, with their modes.
func installed(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		name, _ := filepath.Rel(root, path)
		files[name] = info.Mode().String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
