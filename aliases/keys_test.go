package aliases

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// set gives a key of a program a value, in a profile, and the program or what is wrong.
func set(key, value string) (*Program, string) {
	command := "command = x\n"
	if key == "command" {
		command = ""
	}
	p, err := parse("[program:web-worker]\n" + command + key + " = " + value + "\n")
	if err != nil {
		text := err.Error()
		return nil, text[strings.Index(text, "]: ")+3:]
	}
	return p.Programs[0], ""
}

// keyTests have every key with values that it takes.
var keyTests = []struct {
	key, value string
	change     func(p *Program)
}{
	{"command", `/bin/x "a b" 'c d' e\ f`, func(p *Program) { p.Command = []string{"/bin/x", "a b", "c d", "e f"} }},
	{"conf", "%(type)s-server, b[sec] c", func(p *Program) {
		p.Conf = []ConfEntry{{"web-server", ""}, {"b", "sec"}, {"c", ""}}
	}},
	{"conf", "", func(p *Program) {}},
	{"deprecated_conf", "old", func(p *Program) { p.DeprecatedConf = []ConfEntry{{"old", ""}} }},
	{"pidfile", "%(here)s/%(conf_name)s.pid", func(p *Program) { p.Pidfile = "%(here)s/%(conf_name)s.pid" }},
	{"match", "*{a,b}*%(conf)s", func(p *Program) { p.Match = "*{a,b}*%(conf)s" }},
	{"ready", "stdout-close", func(p *Program) { p.Ready = ReadyStdoutClose }},
	{"ready", "notify", func(p *Program) { p.Ready = ReadyNotify }},
	{"ready", "tcp:[::1]:80", func(p *Program) { p.Ready = "tcp:[::1]:80" }},
	{"ready", "unix:/run/%(program_name)s.sock", func(p *Program) { p.Ready = "unix:/run/%(program_name)s.sock" }},
	{"ready", "http://127.0.0.1:8443/x?y", func(p *Program) { p.Ready = "http://127.0.0.1:8443/x?y" }},
	{"readywaitsecs", "0.5", func(p *Program) { p.ReadyWait = 500 * time.Millisecond }},
	{"startsecs", "0", func(p *Program) { p.StartWait = 0 }},
	{"stopwaitsecs", "1e2", func(p *Program) { p.StopWait = 100 * time.Second }},
	{"stopsignal", "INT", func(p *Program) { p.StopSignal = unix.SIGINT }},
	{"stopsignal", "sigquit", func(p *Program) { p.StopSignal = unix.SIGQUIT }},
	{"gracefulsignal", "10", func(p *Program) { p.GracefulSignal = unix.SIGUSR1 }},
	{"seamlesssignal", "SIGUSR2", func(p *Program) { p.SeamlessSignal = unix.SIGUSR2 }},
	{"once_args", "once  --all", func(p *Program) { p.OnceArgs = []string{"once", "--all"} }},
	{"console_args", "verbose", func(p *Program) { p.ConsoleArgs = []string{"verbose"} }},
	{"user", "www-data", func(p *Program) { p.User = "www-data" }},
	{"group", "%(ENV_HOME)s", func(p *Program) { p.Group = "%(ENV_HOME)s" }},
	{"umask", "027", func(p *Program) { p.Umask = 0o27 }},
	{"umask", "0", func(p *Program) { p.Umask = 0 }},
	{"directory", "/srv/%(program_name)s", func(p *Program) { p.Directory = "/srv/%(program_name)s" }},
	{"directory", "%(here)s/x", func(p *Program) { p.Directory = "%(here)s/x" }},
	{"nice", "-5", func(p *Program) { p.Nice = -5 }},
	{"environment", `A="x,y z",B = 'q"r' , C=%(ENV_HOME)s/b,D="",E==f`, func(p *Program) {
		p.Environment = []EnvVar{{"A", "x,y z", false}, {"B", `q"r`, false}, {"C", "%(ENV_HOME)s/b", false}, {"D", "", false}, {"E", "=f", false}}
	}},
	{"environment", "\n  A=1,\n  B=2,", func(p *Program) { p.Environment = []EnvVar{{"A", "1", false}, {"B", "2", false}} }},
	{"environment_default", "A=1", func(p *Program) { p.Environment = []EnvVar{{"A", "1", true}} }},
	{"limit_nofile", "1024", func(p *Program) { p.Limits = []Limit{{"limit_nofile", unix.RLIMIT_NOFILE, 1024}} }},
	{"limit_data", "2gb", func(p *Program) { p.Limits = []Limit{{"limit_data", unix.RLIMIT_DATA, 2 << 30}} }},
	{"limit_nproc", "unlimited", func(p *Program) { p.Limits = []Limit{{"limit_nproc", unix.RLIMIT_NPROC, unix.RLIM_INFINITY}} }},
	{"limit_core", "0", func(p *Program) { p.Limits = []Limit{{"limit_core", unix.RLIMIT_CORE, 0}} }},
}

func TestKeys(t *testing.T) {
	tried := map[string]bool{}
	for _, tt := range keyTests {
		tried[tt.key] = true
		got, problem := set(tt.key, tt.value)
		if problem != "" {
			t.Errorf("%s = %s: %s", tt.key, tt.value, problem)
			continue
		}
		want := defaultProgram("web-worker")
		want.Line, want.Command = 1, []string{"x"}
		tt.change(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s = %s (-want +got):\n%s", tt.key, tt.value, diff)
		}
	}
	for key := range keys {
		if !tried[key] {
			t.Errorf("no test for %s", key)
		}
	}
}

func TestKeysRefuse(t *testing.T) {
	const unclosed = ` a quote is not closed; what stands behind " ;" or " #" is a comment`
	tests := []struct{ key, value, want string }{
		{"command", "", "command: is empty"},
		{"command", `"" x`, "command: is empty"},
		{"command", `x "y ; z"`, `command: "x \"y":` + unclosed},
		{"command", "x %(conf_nmae)s", `command: %(conf_nmae)s is not known (nearest: "conf_name", "conf")`},
		{"command", "x 50%", `command: "%": a per cent sign is written %%, a variable %(name)s`},
		{"command", "x %(ENV_NOPE)s", "command: %(ENV_NOPE)s: there is no such environment variable"},
		{"conf", "a/b", `conf: "a/b" is no name and no name[section]`},
		{"conf", "a[b", `conf: "a[b" is no name and no name[section]`},
		{"conf", "a[]", `conf: "a[]" is no name and no name[section]`},
		{"conf", "a]", `conf: "a]" is no name and no name[section]`},
		{"conf", "[b]", `conf: "[b]" is no name and no name[section]`},
		{"conf", "..", `conf: ".." is no name and no name[section]`},
		{"match", "*[a", `match: "*[a": `},
		{"ready", "perhaps", `ready: "perhaps" is not understood, it takes started, stdout-close, notify, tcp:HOST:PORT, unix:/PATH or http://HOST:PORT/PATH`},
		{"ready", "started:x", `ready: "started" takes no address`},
		{"ready", "tcp:80", `ready: "tcp:80" is not tcp:HOST:PORT`},
		{"ready", "unix:sock", `ready: "unix:sock" is not unix:/PATH`},
		{"ready", "https://h/", `ready: "https://h/" is not understood, it takes started, stdout-close, notify, tcp:HOST:PORT, unix:/PATH or http://HOST:PORT/PATH`},
		{"ready", "http:/x", `ready: "http:/x" is no URL such as http://127.0.0.1:8080/healthcheck`},
		{"stopsignal", "TREM", `stopsignal: there is no signal "TREM"`},
		{"stopsignal", "0", "stopsignal: there is no signal 0"},
		{"stopsignal", "65", "stopsignal: there is no signal 65"},
		{"stopsignal", "SIGSIGTERM", `stopsignal: there is no signal "SIGSIGTERM"`},
		{"gracefulsignal", "", `gracefulsignal: there is no signal ""`},
		{"umask", "0o22", `umask: "0o22" is no octal mode such as 022`},
		{"umask", "1777", `umask: "1777" is no octal mode such as 022`},
		{"umask", "-1", `umask: "-1" is no octal mode such as 022`},
		{"nice", "20", `nice: "20" is no niceness from -20 to 19`},
		{"directory", "x", `directory: "x" is no absolute path`},
		{"directory", "", `directory: "" is no absolute path`},
		{"environment", "A", `environment: "A" is not NAME=value`},
		{"environment", "=x", `environment: "=x" is not NAME=value`},
		{"environment", "A B=x", `environment: "A B=x" is not NAME=value`},
		{"environment", "A=x y", "environment: value of A: quote it"},
		{"environment", "A=1\n  B=2", "environment: value of A: quote it"},
		{"environment", "A=#fff", "environment: value of A: quote it"},
		{"environment", `A="x`, "environment: value of A: quote it"},
		{"limit_nofile", "-1", `limit_nofile: "-1" is no size such as 8192, 512MB or unlimited`},
		{"limit_nofile", "1 GB", `limit_nofile: "1 GB" is no size such as 8192, 512MB or unlimited`},
		{"limit_nofile", "20000000000GB", `limit_nofile: "20000000000GB" is no size such as 8192, 512MB or unlimited`},
	}
	for _, tt := range tests {
		if _, got := set(tt.key, tt.value); !strings.HasPrefix(got, tt.want) || got == "" || tt.key != "match" && got != tt.want {
			t.Errorf("%s = %s: got %q, want %q", tt.key, tt.value, got, tt.want)
		}
	}
	for _, seconds := range []string{"", "x", "-1", "-0.1", "NaN", "Inf", "1e10", "1 s", "5s", "0x"} {
		if d, err := ParseSeconds(seconds); err == nil {
			t.Errorf("%q seconds: got %v", seconds, d)
		}
	}
}

// What a program says goes before what [defaults] says, and adds to its environment.
func TestDefaults(t *testing.T) {
	p, err := parse(`[program:a]
command = x
nice = 2
limit_core = 1
environment = A=3,B=4
[defaults]
command = y
nice = 1
umask = 077
limit_core = 0
limit_nofile = 9
environment = A=1
`)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultProgram("a")
	want.Line, want.Command, want.Nice, want.Umask = 1, []string{"x"}, 2, 0o77
	want.Limits = []Limit{{"limit_nofile", unix.RLIMIT_NOFILE, 9}, {"limit_core", unix.RLIMIT_CORE, 1}}
	want.Environment = []EnvVar{{"A", "1", false}, {"A", "3", false}, {"B", "4", false}}
	if diff := cmp.Diff(want, p.Programs[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
