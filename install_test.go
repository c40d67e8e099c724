package main

import (
	"debug/elf"
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

// TestInstallCross: a binary for another machine is installed with what one that runs
// here prints, and without one nothing is.
func TestInstallCross(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the standard library")
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	dir := t.TempDir()
	host := filepath.Join(dir, "host")
	build(t, host, ".")
	for arch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "mips64le": elf.EM_MIPS, "arm": elf.EM_ARM} {
		root, bin := filepath.Join(dir, arch, "root"), filepath.Join(dir, arch, "bin")
		run := func(more ...string) (string, error) {
			cmd := exec.Command("make", append([]string{"install", "GOARCH=" + arch, "BIN=" + bin, "DESTDIR=" + root}, more...)...)
			cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := run(); err == nil || !strings.Contains(out, "HOSTMGR") {
			t.Errorf("%s without HOSTMGR: %v\n%s", arch, err, out)
		}
		if _, err := os.Stat(root); err == nil {
			t.Errorf("%s: something was installed without HOSTMGR", arch)
		}
		if out, err := run("HOSTMGR=" + host); err != nil {
			t.Fatalf("%s: %v\n%s", arch, err, out)
		}
		f, err := elf.Open(filepath.Join(root, "usr/local/bin/mgr"))
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != machine || len(installed(t, root)) != 6 {
			t.Errorf("%s: got %v and %v", arch, f.Machine, installed(t, root))
		}
		f.Close()
	}
}
