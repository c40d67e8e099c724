package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"mgr/aliases"
)

// TestMain lets the test binary be the stage of the servers that tests launch.
func TestMain(m *testing.M) {
	if text, is := os.LookupEnv(StageEnv); is {
		os.Exit(Stage(text))
	}
	os.Exit(m.Run())
}

// grove is a fleet below a directory of the test, with a profile of its own.
type grove struct {
	*Fleet
	t    *testing.T
	root string
}

func newGrove(t *testing.T, profile string) *grove {
	t.Helper()
	root := t.TempDir()
	p, err := aliases.Parse(aliases.Source{Path: "grove.ini"}, []byte(profile))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(root, "bin")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	g := &grove{t: t, root: root, Fleet: &Fleet{
		Profile: p, ConfDir: filepath.Join(root, "etc"), RunDir: filepath.Join(root, "run"), Env: os.Environ(),
	}}
	t.Cleanup(g.Close)
	return g
}

// write makes a file below the root, its directories included.
func (g *grove) write(name, content string, mode os.FileMode) string {
	g.t.Helper()
	path := filepath.Join(g.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// openToAll lets other users pass through the root, or skips the test.
func (g *grove) openToAll() {
	g.t.Helper()
	for dir := g.root; dir != "/"; dir = filepath.Dir(dir) {
		if strings.HasPrefix(dir, os.TempDir()+"/") { // the test's own
			_ = os.Chmod(dir, 0o755)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode()&0o001 == 0 {
			g.t.Skipf("%s is closed to other users", dir)
		}
	}
}

// servers resolves words.
func (g *grove) servers(number int, words ...string) []*Server {
	g.t.Helper()
	targets, errs := g.Profile.Expand(aliases.Selection{Words: words})
	if len(errs) > 0 {
		g.t.Fatal(errs[0])
	}
	servers, err := g.Servers(targets, number)
	if err != nil {
		g.t.Fatal(err)
	}
	return servers
}

// names shows instances as number, conf and pidfile below the root.
func (g *grove) names(servers []*Server) []string {
	var out []string
	for _, s := range servers {
		for _, i := range s.Instances {
			row := strings.Join([]string{s.Program.Name, itoa(i.Number), i.Conf, i.Pidfile}, " ")
			if i.Orphan {
				row += " orphan"
			}
			out = append(out, strings.ReplaceAll(row, g.root+"/", ""))
		}
	}
	return out
}

func itoa(n int) string { return string(rune('0' + n)) }

const groveProfile = `
[defaults]
command = %(program_name)s %(conf)s
conf = %(type)s-web
[program:grove-web]
[program:grove-worker]
[program:grove-pruner]
conf = grove-web[pruner]
deprecated_conf = grove-pruner
[program:well]
command = well --port 7
conf =
[program:pump]
command = pump
conf =
pidfile = /nonexistent/pump-%(host_node_name)s.pid
`

func TestServers(t *testing.T) {
	g := newGrove(t, groveProfile)
	g.write("etc/grove-web/1.conf", "[pruner]\n", 0o644)
	g.write("etc/grove-web/2.conf", "", 0o644)
	g.write("etc/grove-web.conf", "", 0o644)
	g.write("run/grove-worker/7.pid", "4194304\n", 0o644)
	g.write("run/grove-worker/2.pid", "4194304\n", 0o644)
	g.write("run/grove-worker/note.txt", "", 0o644)
	g.write("run/elsewhere.pid", "4194304\n", 0o644)
	for _, tt := range []struct {
		name   string
		words  []string
		number int
		want   []string
	}{
		{"confs in order, numbered", []string{"grove-web"}, 0, []string{
			"grove-web 1 etc/grove-web.conf run/grove-web.pid",
			"grove-web 2 etc/grove-web/1.conf run/grove-web/1.pid",
			"grove-web 3 etc/grove-web/2.conf run/grove-web/2.pid",
		}},
		{"a conf by name is not the flat one", []string{"grove-web.1"}, 0, []string{
			"grove-web 1 etc/grove-web/1.conf run/grove-web/1.pid",
		}},
		{"the second conf", []string{"grove-web"}, 2, []string{
			"grove-web 2 etc/grove-web/1.conf run/grove-web/1.pid",
		}},
		{"a number that there is not", []string{"grove-web"}, 9, nil},
		{"a pidfile whose conf is gone", []string{"grove-worker"}, 0, []string{
			"grove-worker 1 etc/grove-web.conf run/grove-worker.pid",
			"grove-worker 2 etc/grove-web/1.conf run/grove-worker/1.pid",
			"grove-worker 3 etc/grove-web/2.conf run/grove-worker/2.pid",
			"grove-worker 0 etc/grove-web/7.conf run/grove-worker/7.pid orphan",
		}},
		{"an orphan by name", []string{"grove-worker.7"}, 0, []string{
			"grove-worker 0 etc/grove-web/7.conf run/grove-worker/7.pid orphan",
		}},
		{"only confs with the section", []string{"grove-pruner"}, 0, []string{
			"grove-pruner 1 etc/grove-web/1.conf run/grove-pruner/1.pid",
		}},
		{"no conf", []string{"well"}, 0, []string{"well 1  run/well.pid"}},
		{"a pidfile elsewhere", []string{"pump"}, 0, []string{"pump 1  /nonexistent/pump-.pid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, g.names(g.servers(tt.number, tt.words...))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestServersUnknownConf(t *testing.T) {
	g := newGrove(t, groveProfile)
	g.write("etc/grove-web/1.conf", "", 0o644)
	s := g.servers(0, "grove-web.11")[0]
	if diff := cmp.Diff([]string{"11"}, s.Unknown); diff != "" {
		t.Errorf("unknown (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1"}, s.Known); diff != "" {
		t.Errorf("known (-want +got)\n%s", diff)
	}
}

func TestDeprecatedConf(t *testing.T) {
	g := newGrove(t, groveProfile)
	g.write("etc/grove-web/1.conf", "", 0o644)
	old := g.write("etc/grove-pruner.conf", "", 0o644)
	s := g.servers(0, "grove-pruner")[0]
	if s.Deprecated != old {
		t.Errorf("deprecated %q, want %q", s.Deprecated, old)
	}
	if diff := cmp.Diff([]string{"grove-pruner 1 etc/grove-pruner.conf run/grove-pruner.pid"}, g.names([]*Server{s})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// A server that was started with the one conf is known under the other.
	if diff := cmp.Diff([]string{filepath.Join(g.ConfDir, "grove-web.conf")}, []string{s.Instances[0].alt[0].Path}); diff != "" {
		t.Errorf("alternatives (-want +got)\n%s", diff)
	}
}

func TestSectionOfABrokenConf(t *testing.T) {
	g := newGrove(t, groveProfile)
	g.write("etc/grove-web/1.conf", "[pruner]\n", 0o644)
	g.write("etc/grove-web/2.conf", "\x00\x01", 0o644)
	s := g.servers(0, "grove-pruner")[0]
	if len(s.Instances) != 1 || len(s.Errs) != 1 || !strings.Contains(s.Errs[0].Error(), "2.conf") {
		t.Errorf("%d instances, errors %v: want the good one, and an error on 2.conf", len(s.Instances), s.Errs)
	}
}

func TestInterpreters(t *testing.T) {
	g := newGrove(t, groveProfile)
	for _, tt := range []struct{ line, want string }{
		{"", ""},
		{"\x7fELF\n", ""},
		{"#!\n", ""},
		{"#! \t\n", ""},
		{"#!/opt/x/lua\n", "lua"},
		{"#! /opt/x/lua -E\n", "lua"},
		{"#!/usr/bin/env lua\n", "lua"},
		{"#!/usr/bin/env -S lua -E -s\n", "lua"},
		{"#!/usr/bin/env A=b lua\n", "lua"},
		{"#!/opt/x/lua" + strings.Repeat(" ", 300), "lua"},
	} {
		path := g.write("script", tt.line, 0o755)
		names, err := interpreters(path)
		if got := strings.Join(names, " "); err != nil || got != tt.want {
			t.Errorf("%q: %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
}

func TestUpToConf(t *testing.T) {
	for _, tt := range []struct {
		args, conf, want string
	}{
		{"/a.conf verbose", "/a.conf", "/a.conf"},
		{"-c /a.conf -x", "/a.conf", "-c /a.conf"},
		{"--config=/a.conf -x", "/a.conf", "--config=/a.conf"},
		{"-x", "/a.conf", ""},
		{"-x", "", ""},
	} {
		got := strings.Join(upToConf(strings.Fields(tt.args), tt.conf), " ")
		if got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.args, tt.conf, got, tt.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	g := newGrove(t, `
[program:well]
command = well
environment = A="%(program_name)s",B="1, 2",PATH="/over"
environment_default = A2="default",HOME="/nowhere"
`)
	g.Env = []string{"HOME=/home", "PATH=/bin", "SSH_CLIENT=x", "SUDO_USER=x", "TMUX_PANE=x", "STY=x", "_=x", "PWD=/here",
		"NOTIFY_SOCKET=x", "LISTEN_FDS=1", "MGR_RUN_DIR=x", "MGR_PIDFILE=x", StageEnv + "=x", "STYLE=kept", "XDG_SESSION_ID=1", "XDG_CONFIG_HOME=kept"}
	i := g.servers(0, "well")[0].Instances[0]
	env, err := i.environment(&stage{Chdir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"MGR_PIDFILE=" + i.Pidfile, "HOME=/home", "PATH=/over", "PWD=/", "STYLE=kept", "XDG_CONFIG_HOME=kept",
		"MGR_ENABLED=1", "MGR_SERVER_NAME=well", "MGR_GROUP_NAME=well", "A=well", "B=1, 2", "A2=default"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestCommandScarce: a script that cannot be read for want of descriptors is no program.
func TestCommandScarce(t *testing.T) {
	path := newGrove(t, groveProfile).write("script", "#!/opt/x/lua\n", 0o755)
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: had.Max}); err != nil {
		t.Fatal(err)
	}
	f := lookAt(path)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(f.err, unix.EMFILE) || f.binary != "" {
		t.Errorf("%q, %v", f.binary, f.err)
	}
}
