package aliases

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

// quiet leaves out where the profile says what.
var quiet = cmpopts.IgnoreUnexported(Program{})

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
	{"pidfile", "%(here)s/%(conf_name)s.pid", func(p *Program) { p.Pidfile = "/etc/%(conf_name)s.pid" }},
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
	{"drops_to", "bind", func(p *Program) { p.DropsTo = "bind" }},
	{"group", "%(ENV_HOME)s", func(p *Program) { p.UserGroup = "/home/u" }},
	{"umask", "027", func(p *Program) { p.Umask = 0o27 }},
	{"umask", "0", func(p *Program) { p.Umask = 0 }},
	{"directory", "/srv/%(program_name)s", func(p *Program) { p.Directory = "/srv/%(program_name)s" }},
	{"directory", "%(here)s/x", func(p *Program) { p.Directory = "/etc/x" }},
	{"nice", "-5", func(p *Program) { n := -5; p.Nice = &n }},
	{"optional", "yes", func(p *Program) { p.Optional = true }},
	{"optional", "0", func(p *Program) {}},
	{"conf", "php/*/fpm-?.conf, nginx/nginx.conf[http]", func(p *Program) { p.Conf = []ConfEntry{{"php/*/fpm-?.conf", ""}, {"nginx/nginx.conf", "http"}} }},
	{"numprocs", "1", func(p *Program) {}},
	{"numprocs_start", "5", func(p *Program) { p.FirstProc = 5 }},
	{"process_name", "w%(process_num)02d", func(p *Program) { p.ProcessName = "w%(process_num)02d" }},
	{"forking", "true", func(p *Program) { p.Forking, p.Ready = true, ReadyPidfile }},
	{"address", "conf:bind_ip:bind_port", func(p *Program) { p.Address = "conf:bind_ip:bind_port" }},
	{"address", "unix:%(here)s/sock", func(p *Program) { p.Address = "unix:/etc/sock" }},
	{"conf_format", "ini", func(p *Program) { p.ConfFormat = FormatINI }},
	{"conf_format", "", func(p *Program) {}},
	{"checkcommand", "x -t '%(here)s'", func(p *Program) { p.CheckCommand = []string{"x", "-t", "/etc"} }},
	{"checkcommand_absent", "*no such option*", func(p *Program) { p.CheckAbsent = "*no such option*" }},
	{"command", `x "\w+\.d$" '\w' \w "\""`, func(p *Program) { p.Command = []string{"x", `\w+\.d$`, `\w`, "w", `"`} }},
	{"command", "x %(ENV_HOME)s %%(here)s", func(p *Program) { p.Command = []string{"x", "/home/u", "%%(here)s"} }},
	{"ready", "pidfile", func(p *Program) { p.Ready = ReadyPidfile }},
	{"startretries", "0", func(p *Program) { p.StartRetries = 0 }},
	{"exitcodes", "0, 2,255", func(p *Program) { p.ExitCodes = []int{0, 2, 255} }},
	{"priority", "10", func(p *Program) { p.Priority = 10 }},
	{"priority", "-1", func(p *Program) { p.Priority = -1 }},
	{"stopsignal", "QUIT/30/-TERM/10.5/KILL", func(p *Program) {
		p.StopSignal = unix.SIGQUIT
		p.StopSteps = []StopStep{{unix.SIGQUIT, 30 * time.Second}, {unix.SIGTERM, 10500 * time.Millisecond}, {unix.SIGKILL, 15 * time.Second}}
	}},
	{"stopasgroup", "on", func(p *Program) { p.StopGroup = true }},
	{"killasgroup", "false", func(p *Program) {}},
	{"reloadsignal", "HUP", func(p *Program) { p.ReloadSignal = unix.SIGHUP }},
	{"seamlessnotify", "@%(program_name)s@%(pid)d", func(p *Program) { p.SeamlessNotify = "@%(program_name)s@%(pid)d" }},
	{"seamlesssignal", "USR2+QUIT", func(p *Program) { p.SeamlessSignal, p.RetireSignal = unix.SIGUSR2, unix.SIGQUIT }},
	{"stdout_logfile", "/var/log/%(program_name)s.log", func(p *Program) { p.StdoutLog = "/var/log/%(program_name)s.log" }},
	{"stdout_logfile", "AUTO", func(p *Program) {}},
	{"stdout_logfile", "/dev/stdout", func(p *Program) {}},
	{"stderr_logfile", "none", func(p *Program) { p.StderrLog = LogNone }},
	{"stderr_logfile", "syslog", func(p *Program) { p.StderrLog = LogNone }},
	{"redirect_stderr", "true", func(p *Program) { p.RedirectStderr = true }},
	{"startsecs", "%(ENV_TEN)s", func(p *Program) { p.StartWait = 10 * time.Second }},
	{"autostart", "false", func(p *Program) {}},
	{"autorestart", "unexpected", func(p *Program) {}},
	{"stdout_logfile_maxbytes", "50MB", func(p *Program) {}},
	{"stderr_logfile_maxbytes", "0", func(p *Program) {}},
	{"stdout_logfile_backups", "10", func(p *Program) {}},
	{"stderr_logfile_backups", "10", func(p *Program) {}},
	{"stdout_capture_maxbytes", "1MB", func(p *Program) {}},
	{"stderr_capture_maxbytes", "1MB", func(p *Program) {}},
	{"stdout_events_enabled", "false", func(p *Program) {}},
	{"stderr_events_enabled", "false", func(p *Program) {}},
	{"stdout_syslog", "true", func(p *Program) {}},
	{"stderr_syslog", "true", func(p *Program) {}},
	{"serverurl", "http://localhost:9001", func(p *Program) {}},
	{"environment", `A="x,y z",B = 'q"r' , C=%(ENV_HOME)s/b,D="",E==f`, func(p *Program) {
		p.Environment = []EnvVar{{"A", "x,y z", false}, {"B", `q"r`, false}, {"C", "/home/u/b", false}, {"D", "", false}, {"E", "=f", false}}
	}},
	{"environment", "\n  A=1,\n  B=2,", func(p *Program) { p.Environment = []EnvVar{{"A", "1", false}, {"B", "2", false}} }},
	{"environment", `A=it's,B="\w\",C=a\b,D= "x,'y'" ,E='say "so"'`, func(p *Program) {
		p.Environment = []EnvVar{{"A", "it's", false}, {"B", `\w\`, false}, {"C", `a\b`, false}, {"D", "x,'y'", false}, {"E", `say "so"`, false}}
	}},
	{"environment_default", "A=1", func(p *Program) { p.Environment = []EnvVar{{"A", "1", true}} }},
	{"limit_nofile", "1024", func(p *Program) { p.Limits = []Limit{{"limit_nofile", unix.RLIMIT_NOFILE, 1024, false}} }},
	{"limit_data", "2gb", func(p *Program) { p.Limits = []Limit{{"limit_data", unix.RLIMIT_DATA, 2 << 30, false}} }},
	{"limit_nproc", "unlimited", func(p *Program) { p.Limits = []Limit{{"limit_nproc", unix.RLIMIT_NPROC, unix.RLIM_INFINITY, false}} }},
	{"limit_core", "0", func(p *Program) { p.Limits = []Limit{{"limit_core", unix.RLIMIT_CORE, 0, false}} }},
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
		want.Command, want.Ready, want.GroupOrder = []string{"x"}, ReadyStarted, want.Priority
		tt.change(want)
		want.GroupOrder = want.Priority
		if diff := cmp.Diff(want, got, quiet); diff != "" {
			t.Errorf("%s = %s (-want +got):\n%s", tt.key, tt.value, diff)
		}
	}
	for key := range keys() {
		if !tried[key] {
			t.Errorf("no test for %s", key)
		}
	}
}

func TestKeysRefuse(t *testing.T) {
	const unclosed = ` a quote is not closed; what stands behind " ;" or " #" is a comment`
	const noEntry = " is no name, no path below the conf directory, and neither with a [section]"
	tests := []struct{ key, value, want string }{
		{"command", "", "command: is empty"},
		{"command", `"" x`, "command: is empty"},
		{"command", `x "y ; z"`, `command: "x \"y":` + unclosed},
		{"command", "x %(conf_nmae)s", `command: %(conf_nmae)s is not known (nearest: "conf_name", "conf")`},
		{"command", "x 50%", `command: "%": a per cent sign is written %%, a variable %(name)s`},
		{"command", "x %(ENV_NOPE)s", "command: %(ENV_NOPE)s: there is no such environment variable"},
		{"address", "tcp:80", `address: "tcp:80" is not tcp:HOST:PORT`},
		{"address", "conf:bind_port", `address: "conf:bind_port" is none of tcp:HOST:PORT, unix:/PATH and conf:HOSTKEY:PORTKEY`},
		{"conf_format", "yaml", `conf_format: "yaml" is not understood, it takes ini or nothing`},
		{"conf", "a/../b", `conf: "a/../b"` + noEntry},
		{"conf", "a//b", `conf: "a//b"` + noEntry},
		{"conf", "%(conf)s", `conf: %(conf)s is a cycle: it follows from this key`},
		{"pidfile", "%(pidfile)s.x", `pidfile: %(pidfile)s is a cycle: it follows from this key`},
		{"user", "u%(process_num)d", `user: %(process_num)s differs from instance to instance, this key does not`},
		{"numprocs", "0", `numprocs: "0" is no number from 1 to 10000`},
		{"numprocs", "2", `numprocs: process_name has to hold %(process_num)d, to tell the processes apart`},
		{"process_name", "a/b", `process_name: a name cannot hold '/'`},
		{"exitcodes", "256", `exitcodes: "256" is no number from 0 to 255`},
		{"forking", "maybe", `forking: "maybe" is neither true nor false`},
		{"autorestart", "maybe", `autorestart: "maybe" is none of true, false and unexpected`},
		{"stopsignal", "QUIT/x", `stopsignal: "QUIT/x": "x" is no number of seconds, 0 or more; a schedule is SIGNAL/SECONDS/SIGNAL/SECONDS`},
		{"stopsignal", "TERM/5/KILL/5/TERM/5", `stopsignal: "TERM/5/KILL/5/TERM/5": nothing comes after KILL`},
		{"stopsignal", "5/TERM/x", `stopsignal: "5/TERM/x": "TERM" is no number of seconds, 0 or more; a schedule is SIGNAL/SECONDS/SIGNAL/SECONDS`},
		{"stopsignal", "NOPE/5", `stopsignal: "NOPE/5": there is no signal "NOPE"; a schedule is SIGNAL/SECONDS/SIGNAL/SECONDS`},
		{"seamlesssignal", "USR2+", `seamlesssignal: there is no signal ""`},
		{"seamlessnotify", "/run/x", `seamlessnotify: "/run/x" is no name of an abstract socket, @ and at most 106 bytes`},
		{"seamlessnotify", "@%(conf_nam)s", `seamlessnotify: %(conf_nam)s is not known (nearest: "conf_name", "conf")`},
		{"stdout_logfile", "", "stdout_logfile: is empty: it takes a path, AUTO or NONE"},
		{"priority", "high", `priority: "high" is no number from -1000000000 to 1000000000`},
		{"conf", "a[b", `conf: "a[b"` + noEntry},
		{"conf", "a[]", `conf: "a[]"` + noEntry},
		{"conf", "a]", `conf: "a]"` + noEntry},
		{"conf", "[b]", `conf: "[b]"` + noEntry},
		{"conf", "..", `conf: ".."` + noEntry},
		{"match", "*[a", `match: "*[a": `},
		{"ready", "perhaps", `ready: "perhaps" is not understood, it takes started, stdout-close, pidfile, notify, tcp:HOST:PORT, unix:/PATH or http://HOST:PORT/PATH`},
		{"ready", "started:x", `ready: "started" takes no address`},
		{"ready", "tcp:80", `ready: "tcp:80" is not tcp:HOST:PORT`},
		{"ready", "unix:sock", `ready: "unix:sock" is not unix:/PATH`},
		{"ready", "https://h/", `ready: "https://h/" is not understood, it takes started, stdout-close, pidfile, notify, tcp:HOST:PORT, unix:/PATH or http://HOST:PORT/PATH`},
		{"ready", "http:/x", `ready: "http:/x" is no URL such as http://127.0.0.1:8080/healthcheck`},
		{"stopsignal", "TREM", `stopsignal: there is no signal "TREM"`},
		{"stopsignal", "0", "stopsignal: there is no signal 0"},
		{"stopsignal", "65", "stopsignal: there is no signal 65"},
		{"stopsignal", "SIGSIGTERM", `stopsignal: there is no signal "SIGSIGTERM"`},
		{"gracefulsignal", "", `gracefulsignal: there is no signal ""`},
		{"umask", "0o22", `umask: "0o22" is no octal mode such as 022`},
		{"umask", "1777", `umask: "1777" is no octal mode such as 022`},
		{"umask", "-1", `umask: "-1" is no octal mode such as 022`},
		{"nice", "20", `nice: "20" is no number from -20 to 19`},
		{"directory", "x", `directory: "x" is no absolute path`},
		{"directory", "", `directory: "" is no absolute path`},
		{"environment", "A", `environment: "A" is not NAME=value`},
		{"environment", "=x", `environment: "=x" is not NAME=value`},
		{"environment", "A B=x", `environment: "A B=x" is not NAME=value`},
		{"environment", "A=x y", "environment: value of A: quote it"},
		{"environment", "A=1\n  B=2", "environment: value of A: quote it"},
		{"environment", "A=#fff", "environment: value of A: quote it"},
		{"environment", `A="x`, "environment: value of A: a quote is not closed"},
		{"environment", `A="x""y"`, "environment: value of A: text behind its quotes"},
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
	two := 2
	want.Command, want.Nice, want.Umask = []string{"x"}, &two, 0o77
	want.Ready, want.GroupOrder = ReadyStarted, want.Priority
	want.Limits = []Limit{{"limit_nofile", unix.RLIMIT_NOFILE, 9, false}, {"limit_core", unix.RLIMIT_CORE, 1, false}}
	want.Environment = []EnvVar{{"A", "1", false}, {"A", "3", false}, {"B", "4", false}}
	if diff := cmp.Diff(want, p.Programs[0], quiet); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
