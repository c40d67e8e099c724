package server

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// patience bounds every wait of a test.
const patience = 20 * time.Second

// launch launches the only instance of a program and waits until done says so.
func (g *grove) launch(mode Mode, program string, done func(*Child) bool) *Child {
	g.t.Helper()
	ls, c := g.begin(mode, program)
	left, err := ls.Until(done, never, func(*Child) {})
	if err != nil || len(left) > 0 {
		g.t.Fatalf("not done: %v, %+v", err, c)
	}
	return c
}

// begin launches the only instance of a program.
func (g *grove) begin(mode Mode, program string) (*Launches, *Child) {
	g.t.Helper()
	if err := g.Open(pidfile.MakeIt); err != nil {
		g.t.Fatal(err)
	}
	i := g.servers(0, program)[0].Instances[0]
	if err := i.TryLock(); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(i.Unlock)
	c, err := i.Launch(mode)
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience) // a wait that does not end fails
	ls, err := NewLaunches(ctx)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		_ = c.Process.Signal(unix.SIGKILL)
		_, _ = ls.Until(func(c *Child) bool { return c.Exited }, never, func(*Child) {})
		ls.Close()
		cancel()
	})
	if err := ls.Add(c); err != nil {
		g.t.Fatal(err)
	}
	return ls, c
}

func never(*Child) time.Duration { return patience }

func ended(c *Child) bool { return c.Exited }
func ready(c *Child) bool { return c.Ready() || c.Exited }

// inspector is a daemon that writes down what it was given. It is a Perl
// script, since Perl opens nothing and catches nothing unasked; it ignores
// SIGFPE (80).
const inspector = `#!/usr/bin/perl
my %got;
for my $fd (0 .. 1023) {
	my $file = readlink "/proc/$$/fd/$fd";
	push @{$got{fds}}, "$fd $file" if defined $file && $file !~ m{/bin/well$};
}
$got{fds} = join ", ", @{$got{fds}};
for my $file (qw(status limits environ stat)) {
	local $/;
	open my $f, "<", "/proc/$$/$file";
	$got{$file} = <$f>;
}
$got{session} = join " ", ($got{stat} =~ /.*\) (.*)/s ? (split " ", $1)[2 .. 4] : ());
$got{umask} = sprintf "%04o", umask;
$got{cwd} = readlink "/proc/$$/cwd";
open my $p, "<", "$ENV{RUN}/well.pid";
$got{pidfile} = <$p>;
for my $name (keys %got) {
	open my $f, ">", "$ENV{OUT}/$name";
	print $f $got{$name};
}
`

// TestInherits launches a daemon from a caller with a stray descriptor, ignored
// and blocked signals, and another umask, and compares what it got with what
// README promises.
func TestInherits(t *testing.T) {
	g := newGrove(t, `
[program:well]
command = well
startsecs = 0
umask = 027
nice = 3
limit_core = 0
`)
	g.write("bin/well", inspector, 0o755)
	out := filepath.Join(g.root, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	g.Env = append(g.Env, "OUT="+out, "RUN="+g.RunDir, "SSH_CONNECTION=x")
	stray, err := unix.Open("/dev/null", unix.O_RDONLY, 0) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(stray)
	old := syscall.Umask(0o077)
	c := g.launch(Mode{}, "well", ended)
	syscall.Umask(old)
	if !c.Succeeded() {
		t.Fatalf("%s: %s", c.Died(), c.Failure)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(data))
	}
	got := map[string]string{
		"umask": read("umask"), "cwd": read("cwd"), "pidfile": read("pidfile"), "session": read("session"),
		"fds": read("fds"), "signals": signals(read("status")), "core": line(read("limits"), "Max core file size"),
	}
	pid := strconv.Itoa(c.Process.PID())
	want := map[string]string{
		"umask": "0027", "cwd": "/", "pidfile": pid, "session": pid + " " + pid + " 0",
		"fds": "0 /dev/null, 1 /dev/null, 2 /dev/null", "signals": "SigBlk 0, SigIgn 80, SigCgt 0",
		"core": "0 unlimited bytes",
	}
	if lim := (unix.Rlimit{}); unix.Getrlimit(unix.RLIMIT_CORE, &lim) == nil && lim.Max != unix.RLIM_INFINITY {
		want["core"] = got["core"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, name := range []string{StageEnv, procsEnv, "SSH_CONNECTION"} {
		if strings.Contains(read("environ"), name+"=") {
			t.Errorf("%s got into the server's environment", name)
		}
	}
}

func signals(status string) string {
	var out []string
	for _, name := range []string{"SigBlk", "SigIgn", "SigCgt"} {
		mask, _ := strconv.ParseUint(line(status, name+":"), 16, 64)
		out = append(out, name+" "+strconv.FormatUint(mask, 16))
	}
	return strings.Join(out, ", ")
}

// line gives what follows the prefix on its line, blanks folded.
func line(text, prefix string) string {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	return ""
}

// TestLaunchOutcomes launches daemons that end up in each possible way.
func TestLaunchOutcomes(t *testing.T) {
	type outcome struct {
		Executed, Ready, Exited bool
		Died, Output, Failure   string
		Pidfile                 bool
	}
	for _, tt := range []struct {
		name, script string
		mode         Mode
		done         func(*Child) bool
		want         outcome
	}{
		{"ready when it closes its stdout", "#!/bin/sh\necho hello; echo oops >&2; exec >/dev/null 2>&1; exec sleep 1000\n", Mode{}, ready,
			outcome{Executed: true, Ready: true, Output: "hello\noops\n", Pidfile: true}},
		{"dies in silence", "#!/bin/sh\nexit 3\n", Mode{}, ended,
			outcome{Exited: true, Died: "exit status 3"}},
		{"dies in a hurry after it spoke", "#!/bin/sh\necho no\nkill -9 $$\n", Mode{}, ended,
			outcome{Exited: true, Died: "killed by SIGKILL", Output: "no\n"}},
		{"a worker holds its stdout", "#!/bin/sh\nsleep 1000 &\necho $!\nexit 0\n", Mode{}, ended,
			outcome{Exited: true, Died: "exit status 0"}},
		{"nobody waits", "#!/bin/sh\necho lost; exec sleep 1000\n", Mode{NoWait: true}, ready,
			outcome{Executed: true, Ready: true, Pidfile: true}},
		{"not executable after all", "\x00\x00\x00 what is this", Mode{}, func(c *Child) bool { return c.Failure != "" && c.Exited },
			outcome{Exited: true, Died: "exit status 127", Failure: `exec "BIN/well": exec format error`}},
		{"no interpreter", "#!/nonexistent/interpreter\n", Mode{}, func(c *Child) bool { return c.Failure != "" && c.Exited },
			outcome{Exited: true, Died: "exit status 127", Failure: `exec "BIN/well": no such file or directory`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGrove(t, "[program:well]\ncommand = well\nready = stdout-close\nstartsecs = 0\n")
			g.write("bin/well", tt.script, 0o755)
			c := g.launch(tt.mode, "well", tt.done)
			_, err := os.Stat(c.Instance.Pidfile)
			got := outcome{
				Executed: c.Executed, Ready: c.Ready(), Exited: c.Exited, Output: string(c.Output),
				Failure: strings.ReplaceAll(c.Failure, g.root+"/bin", "BIN"), Pidfile: err == nil,
			}
			if c.Exited {
				got.Died = c.Died()
				got.Pidfile = got.Pidfile && c.Failure != "" // who launched it removes it
			}
			if tt.name == "a worker holds its stdout" {
				pid, err := strconv.Atoi(strings.TrimSpace(got.Output))
				if err != nil {
					t.Fatal(err)
				}
				if p, err := pidfile.Open(pid); err == nil {
					defer p.Close()
					_ = p.Signal(unix.SIGKILL)
				}
				got.Output = ""
			}
			got.Executed = got.Executed && !c.Exited
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestStageFails makes the stage fail at each of its steps: there is no server,
// and no pidfile.
func TestStageFails(t *testing.T) {
	for _, tt := range []struct{ name, key, want string }{
		{"directory", "directory = /proc/nowhere", `chdir "/proc/nowhere": no such file or directory`},
		{"pidfile", "pidfile = well.pid/in/a/file.pid", "pidfile: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGrove(t, "[program:well]\ncommand = well\nstartsecs = 0\n"+tt.key+"\n")
			g.write("bin/well", "#!/bin/sh\ntouch "+g.root+"/ran\n", 0o755)
			g.write("run/well.pid", "", 0o644)
			c := g.launch(Mode{}, "well", func(c *Child) bool { return c.Failure != "" && c.Exited })
			if !strings.HasPrefix(c.Failure, tt.want) {
				t.Errorf("failure %q, want %q", c.Failure, tt.want)
			}
			if _, err := os.Stat(filepath.Join(g.root, "ran")); err == nil {
				t.Error("the server ran all the same")
			}
		})
	}
}

// TestUser drops to a user, groups and all.
func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	g := newGrove(t, "[program:well]\ncommand = well\nstartsecs = 0\nuser = nobody\nready = stdout-close\n")
	g.write("bin/well", "#!/bin/sh\nid -u; id -un; id -G\n", 0o755)
	g.openToAll()
	c := g.launch(Mode{}, "well", ended)
	if got, want := string(c.Output), "65534\nnobody\n65534\n"; got != want {
		t.Errorf("%q %s, want %q", got, c.Failure, want)
	}
}

// TestGivenName: the name that a server was given is found in the longest environment.
func TestGivenName(t *testing.T) {
	g := newGrove(t, "[program:grove]\ncommand = sleep 60\nready = notify\n")
	long := strings.Repeat("x", 100<<10)
	g.Env = append(g.Env, "LONG="+long, "LONGER="+long)
	g.waited = passingWait // nobody gives his name up here
	s, err := listenNotify(nil, notifyName(g.RunDir+"/grove.pid", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	c := g.launch(Mode{}, "grove", func(c *Child) bool { return c.Executed || c.Exited })
	defer c.Kill()
	if name := c.Instance.givenName(c.Process); c.Elsewhere == nil || name == shown(notifyName(c.Instance.Pidfile, "")) {
		t.Errorf("%q; elsewhere because of %v", name, c.Elsewhere)
	}
}
