package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"mgr/server"
)

// TestMain lets the test binary be mgr itself, so that transcripts run under
// the race detector, and the stage of the servers that such an mgr launches.
func TestMain(m *testing.M) {
	if text, is := os.LookupEnv(server.StageEnv); is {
		os.Exit(server.Stage(text))
	}
	playRole()
	testscript.Main(heeding{m}, map[string]func(){"mgr": main})
}

// heeding are tests, not mgr: what they start does not learn that this process was told to ignore signals, by nohup(1) or
// by a shell that started it in the background. They do not end it then, either. Nor does it learn that this shell has
// gone, which led its group: it would be taken for what a dead server left behind.
type heeding struct{ *testing.M }

func (m heeding) Run() int {
	for _, sig := range []os.Signal{unix.SIGHUP, unix.SIGINT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	if _, err := os.Stat("/proc/" + strconv.Itoa(unix.Getpgrp())); err != nil {
		_ = unix.Setpgid(0, 0)
	}
	return m.M.Run()
}

// raceAtExit keeps an mgr under the race detector from its pause of a second before it
// exits. Its default is in https://go.dev/doc/articles/race_detector.
const raceAtExit = "GORACE=atexit_sleep_ms=0"

// TestTranscripts runs mgr as its users do: each file of testdata/transcripts
// is a sequence of commands with the lines, the exit statuses and the files
// that come of them. Servers are processes of testdata/fakeserver.
//
// Beside testscript's own commands there are
//
//	install NAME...          put the fake server on PATH under these names
//	status N mgr ARG...      run mgr; its exit status has to be N. A document that
//	                         it prints has to keep to the schema and to tell
//	                         what stderr tells; a dry run must touch nothing
//	foretold N mgr ARG...    a dry run, and then what it foretold; both end with N
//	json stdout FILE         the document is that of the file, see isDocument
//	same stdout|stderr FILE  what it printed is the file, with PID for every
//	                         pid of a server, and $WORK for the directory
//	crash PIDFILE            SIGKILL the process of a pidfile below run, and
//	                         await its end
//	terminal …               run a command on a terminal, see there
//	gone PIDFILE             await the end of the process of a pidfile below run
//	hang PIDFILE WORD...     start a process with this command line that nobody
//	                         can read, and write its pidfile, see testdata/hung
//	await PROGRAM CONF N EVENT  wait for the Nth such event of a server
//	first PATTERN            the first line of stdout matches
//	[!] hold [-w] FILE       keep whoever executes the file waiting, see there
//
// and the conditions [root], [oom]: a memory limit can be set, and the kernel's log
// be read, [fuse]: a file system can be mounted that is a process, and [inotify]: a user
// namespace can have a limit of inotify(7) of its own.
func TestTranscripts(t *testing.T) {
	t.Run("hung", hungTranscripts)
	transcripts(t, "testdata/transcripts")
}

func transcripts(t *testing.T, dir string) {
	fake := filepath.Join(t.TempDir(), "fakeserver")
	build(t, fake, "./testdata/fakeserver")
	hung := buildHung(t)
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			tr := &tree{root: env.WorkDir}
			env.Values["tree"], env.Values["held"] = tr, map[string]*os.File{}
			env.Defer(func() {
				if err := tr.destroy(); err != nil {
					t.Error(err)
				}
			})
			port, err := freePort()
			if err != nil {
				return err
			}
			env.Vars = append(env.Vars, tr.mark(), "FAKE="+fake, "HUNG="+hung, "PORT="+port, "PATH="+tr.path("bin")+":"+env.Getenv("PATH"), raceAtExit,
				"MGR_CONF_DIR="+tr.path("conf"), "MGR_RUN_DIR="+tr.path("run"), "CGROUP="+memoryCgroup())
			return errors.Join(os.Mkdir(tr.path("bin"), 0o755), os.Mkdir(tr.path("log"), 0o755))
		},
		Condition: func(condition string) (bool, error) {
			switch condition {
			case "root":
				return os.Geteuid() == 0, nil
			case "fuse":
				return mayMount(hung), nil
			case "oom":
				return memoryCgroup() != "", nil
			case "inotify":
				return exec.Command("unshare", "-r", "sh", "-c", "echo 9 >/proc/sys/user/max_inotify_instances").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", condition)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"install": install, "status": status, "same": same, "crash": crash, "await": await, "gone": gone, "terminal": onTerminal,
			"first": first, "hang": hang, "hold": hold,
			"json": isDocument, "foretold": foretold,
		},
	})
}

// memoryCgroup is a directory in which a cgroup with a memory limit can be made,
// "" if there is none, or the kernel's log, which tells what comes of it, cannot
// be read or has other pids.
func memoryCgroup() string {
	const initialPIDs = 0xEFFFFFFC // PROC_PID_INIT_INO of linux/proc_ns.h
	var st unix.Stat_t
	if os.Geteuid() != 0 || unix.Stat("/proc/self/ns/pid", &st) != nil || st.Ino != initialPIDs || unix.Access("/dev/kmsg", unix.R_OK) != nil {
		return ""
	}
	for _, file := range []string{"/sys/fs/cgroup/cgroup.subtree_control", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		limits := strings.Contains(string(text), "memory") || strings.HasSuffix(file, "limit_in_bytes")
		if err == nil && limits && unix.Access(filepath.Dir(file), unix.W_OK) == nil {
			return filepath.Dir(file)
		}
	}
	return ""
}

// freePort gives a port of the loopback address that nobody listens at. It is below those that Linux gives to who asks for
// none (ip_local_port_range, ip(7)): a connection of another transcript could have one of these before the server has.
func freePort() (port string, err error) {
	for range 100 {
		var l net.Listener
		port = strconv.Itoa(12000 + rand.N(20000))
		if l, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", err
}

func first(ts *testscript.TestScript, neg bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	if re.MatchString(line) == neg {
		ts.Fatalf("the first line is %q", line)
	}
}

func install(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		ts.Check(os.Symlink(ts.Getenv("FAKE"), ts.MkAbs("bin/"+name)))
	}
}

func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	dry := args[1] == "mgr" && parsedLine(args[2:]).Bool("dry-run")
	var before map[string]string
	if dry {
		before, err = snapshot(ts.Getenv("WORK"))
		ts.Check(err)
	}
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	if args[1] == "mgr" {
		checkRun(ts, args[2:], got)
	}
	if dry {
		after, err := snapshot(ts.Getenv("WORK"))
		ts.Check(err)
		if diff := cmp.Diff(before, after); diff != "" {
			ts.Fatalf("the dry run changed (-before +after):\n%s", diff)
		}
	}
}

// pidPlaces are where lines hold a pid.
var pidPlaces = []*regexp.Regexp{
	regexp.MustCompile(`(  pid: )\d+(  signal)`),
	regexp.MustCompile(`( \()\d+(\)| - )`),
	regexp.MustCompile(`(\bpid )\d+(\b)`),
	regexp.MustCompile(`(/proc/)\d+(/)`),
	regexp.MustCompile(`(kill -(?:KILL|CONT) )\d+( )`),
	regexp.MustCompile(`(\bsuccessor: )\d+()`),
}

func same(ts *testscript.TestScript, _ bool, args []string) {
	got := normal(ts, ts.ReadFile(args[0]))
	if diff := cmp.Diff(ts.ReadFile(args[1]), got); diff != "" {
		ts.Fatalf("%s (-want +got):\n%s", args[0], diff)
	}
}

// normal puts names in the place of what is another one at every run.
func normal(ts *testscript.TestScript, got string) string {
	got = strings.ReplaceAll(got, ts.Getenv("WORK"), "$WORK")
	for _, re := range pidPlaces {
		got = re.ReplaceAllString(got, "${1}PID${2}")
	}
	// What the machine allows is not what is tested.
	got = regexp.MustCompile(`(?m)^mgr: limit_\w+: cannot be .*\n`).ReplaceAllString(got, "")
	// Nor is what the race detector says where it cannot find the name of its own program, as without /proc.
	got = regexp.MustCompile(`(?m)^==\d+==WARNING: reading executable name failed .*\n`).ReplaceAllString(got, "")
	if port := ts.Getenv("PORT"); port != "" {
		got = strings.ReplaceAll(got, "127.0.0.1:"+port, "127.0.0.1:PORT")
	}
	got = strings.ReplaceAll(got, "/mgr-"+strconv.Itoa(os.Getuid())+"/", "/mgr-UID/")
	got = regexp.MustCompile(`\\?"[^"]*" of \S+, started [-\d]+ [:\d]+`).ReplaceAllString(got, "HOLDER")
	return regexp.MustCompile(`(?m)\b20[-\d]+ \d\d:\d\d:\d\d$`).ReplaceAllString(got, "TIME")
}

func crash(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value("tree").(*tree).crash(args[0]))
}

func gone(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value("tree").(*tree).awaitExit(args[0]))
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value("tree").(*tree).await(strings.Join(args, " ")))
}
