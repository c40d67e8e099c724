package aliases

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.ini")
	if err := os.WriteFile(huge, []byte(strings.Repeat("#\n", maxProfile)), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.ini"): "no such file or directory",
		dir:                            "is a directory",
		huge:                           "larger than 1048576 bytes",
	} {
		_, err := Load(Source{Path: path})
		if !errors.As(err, new(*fs.PathError)) || err.Error() != "profile "+path+": "+want {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestLoadUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	path := filepath.Join(t.TempDir(), "p.ini")
	if err := os.WriteFile(path, []byte(family), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Source{Path: path}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// Hidden files are included only where the pattern says so.
func TestLoadHidden(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p.ini":      "[include]\nfiles = d/*.ini ./d/../d/.b/?.ini " + dir + "/./e.ini\n",
		"d/a.ini":    "[program:a]\ncommand = x\n",
		"d/.#a.ini":  "[program:hidden]\ncommand = x\n",
		"e.ini":      "[program:e]\ncommand = x\n",
		"d/.b/c.ini": "[program:c]\ncommand = x\n",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Load(Source{Path: filepath.Join(dir, "p.ini")})
	if err != nil || !slices.Equal(programNames(p.Programs), []string{"a", "c", "e"}) {
		t.Errorf("got %v, %v", p, err)
	}
}

func programNames(programs []*Program) []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// TestBuiltin holds the built-in profile against the lists of Swift's own module.
func TestBuiltin(t *testing.T) {
	p, err := Load(Source{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Programs) != 18 || p.Group("all") == nil || len(p.Group("all").Programs) != 18 {
		t.Errorf("%d programs, all is %v", len(p.Programs), p.Group("all"))
	}
	want := map[string][]string{}
	out, err := exec.Command("/usr/bin/python3", "-c", `import json
from swift.common import manager as m
print(json.dumps(dict(m.ALIASES, graceful=m.GRACEFUL_SHUTDOWN_SERVERS, seamless=m.SEAMLESS_SHUTDOWN_SERVERS,
                      once=m.START_ONCE_SERVERS, standalone=m.STANDALONE_SERVERS)))`).Output()
	if err != nil {
		t.Skipf("no Swift to compare with: %v", err)
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for _, names := range want {
		slices.Sort(names)
	}
	having := func(is func(*Program) bool) []string {
		return programNames(slices.DeleteFunc(slices.Clone(p.Programs), func(p *Program) bool { return !is(p) }))
	}
	got := map[string][]string{
		"all": programNames(p.Group("all").Programs), "main": programNames(p.Group("main").Programs), "rest": programNames(p.Group("rest").Programs),
		"graceful":   having(func(p *Program) bool { return p.GracefulSignal == unix.SIGHUP }),
		"seamless":   having(func(p *Program) bool { return p.SeamlessSignal == unix.SIGUSR1 }),
		"once":       having(func(p *Program) bool { return slices.Equal(p.OnceArgs, []string{"once"}) }),
		"standalone": having(func(p *Program) bool { return p.Conf[0].Base == p.Name && p.Name != p.Type+"-server" }),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-swift-init +mgr):\n%s", diff)
	}
}

// TestSourceNamesNoServer: what Swift is stands in the profile alone. Comments and the texts of help may show examples.
func TestSourceNamesNoServer(t *testing.T) {
	p, err := Load(Source{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	top, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, top...) {
		if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "help.go" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			code, _, _ := strings.Cut(line, "//")
			for _, prog := range p.Programs {
				if strings.Contains(code, prog.Name) {
					t.Errorf("%s names %s: %s", file, prog.Name, strings.TrimSpace(line))
				}
			}
		}
	}
}

// TestDebian reads the profile that README names to start from.
func TestDebian(t *testing.T) {
	p, err := Load(Source{Path: "../testdata/profiles/debian.ini", Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"apache2", "haproxy", "mariadb", "named", "php-fpm", "postfix", "rsyslog", "squid", "sshd"}
	if diff := cmp.Diff(want, programNames(p.Programs)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, prog := range p.Programs {
		if prog.Ready == "" && !prog.Forking {
			t.Errorf("%s: nothing tells that it is ready", prog.Name)
		}
	}
}

// TestGrove reads the second family as a whole.
func TestGrove(t *testing.T) {
	path, err := filepath.Abs("../testdata/profiles/grove.ini")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load(Source{Path: path, Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Dir(path) + "/grove"; p.ConfDir != want || p.RunDir != "/run/grove" {
		t.Errorf("roots %q and %q", p.ConfDir, p.RunDir)
	}
	if diff := cmp.Diff([]string{"all", "front", "back", "grove-web", "grove-edge", "grove-worker", "grove-cron", "beacon", "relay.north",
		"relay.south"}, p.Names()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"grove-worker", "relay.north", "relay.south"}, programNames(p.Group("back").Programs)); diff != "" {
		t.Errorf("group back (-want +got):\n%s", diff)
	}
	five := 5
	want := &Program{
		Name: "grove-worker", Type: "grove", Group: "back", Optional: true,
		NumProcs: 1, ProcessName: "%(program_name)s", ExitCodes: []int{0}, GroupOrder: 999, Priority: 999,
		Command:  []string{"grove-worker", "%(conf)s", "two words", "--pid=%(pidfile)s"},
		Conf:     []ConfEntry{{"worker", ""}},
		Match:    "*grove-worker*%(conf)s*",
		OnceArgs: []string{"once", "--all"}, ConsoleArgs: []string{"verbose"},
		Ready: ReadyStdoutClose, ReadyWait: 20 * time.Second,
		StopSignal: unix.SIGINT, StopWait: 7500 * time.Millisecond,
		Umask: 0o27, Directory: "/", Nice: &five,
		Environment: []EnvVar{{"GROVE_HOME", "/var/lib/grove", true}, {"GROVE_ROLE", "worker, heavy", false}, {"GROVE_CONF", "%(conf_name)s", false}},
		Limits:      []Limit{{"limit_core", unix.RLIMIT_CORE, 0, false}},
	}
	if diff := cmp.Diff(want, p.Program("grove-worker"), quiet); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	targets, errs := p.Expand(Selection{Words: []string{"front.1", "relay.*", "relay.north.2", "beacon"}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var selected []string
	for _, target := range targets {
		selected = append(selected, target.Program.Name)
	}
	if diff := cmp.Diff([]string{"grove-web", "grove-edge", "beacon", "relay.north", "relay.south"}, selected); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
