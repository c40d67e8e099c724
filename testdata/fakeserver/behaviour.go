package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// forever is a duration that never ends, and the value of one that was not given.
const forever time.Duration = -1

// behaviour is what the conf asks for. Its zero value is not useful: see defaults.
type behaviour struct {
	recordDir     string   // record: directory of the log; none: no log
	recordEnv     []string // record_env: environment variables to record at start
	recordLimits  bool     // record_limits = yes: record the hard limits that Swift's start-up sets
	print         string   // print: written to stdout at start; \n, \t, \x00 and the like as in Go
	printErr      string   // print_err: the same for stderr
	holdStdout    bool     // stdout = close (default): let go of stdio when ready; hold: never
	sameSession   bool     // setsid = yes (default): a session of its own, as Swift's servers have; no: the starter's
	startDelay    time.Duration
	stopDelay     time.Duration     // between the signal and the exit
	onceDelay     time.Duration     // how long a pass takes
	onceExit      int               // once_exit: status of a pass
	exit          int               // exit: status to exit with instead of becoming ready; -1: none
	exitAfter     time.Duration     // exit_after: become ready, then exit with status exit
	killSelf      syscall.Signal    // kill_self: die by it instead of becoming ready (KILL, TERM, HUP, INT, ALRM)
	action        map[string]string // on_term, on_hup, ...: one of actions; ignore = LIST is none for each
	workers       int               // workers: number of workers, replaced as they die
	workerSession bool              // worker_session = yes: each worker in a session of its own
	workerIgnore  []string          // worker_ignore: signals that workers record and survive
	workerDetach  bool              // worker_detach = yes: each worker is forked twice: no child of the server, not replaced
	workerName    string            // worker_name: what workers call themselves; none: as the server
	neglect       bool              // reap = yes (default): wait for workers; no: never, they stay zombies and are not replaced
	notify        string            // notify = yes: send READY=1 to $NOTIFY_SOCKET when ready; swift: as Swift 2.35 does, see notify.go
	testConfig    string            // test_config: what --test-config says: ok, broken; none: that there is no such option
	listen        string            // listen = HOST:PORT: listen there before being ready
	pidfile       string            // pidfile: where it writes its own pid, when ready; removed at its end
	daemonize     string            // daemonize = no (default); early: start itself again in the background and end at once; late: once that is ready
	launcherExit  int               // launcher_exit: status to end with instead of starting itself again in the background
	failFirst     int               // fail_first: how many starts end with status exit (1 if there is none); it needs record
	wraps         string            // wraps: start itself again under this name, in the foreground, deaf to signals, and end as that does
}

func defaults() behaviour {
	return behaviour{exit: -1, launcherExit: -1, exitAfter: forever, action: map[string]string{
		"HUP": "stop", "INT": "stop", "QUIT": "stop", "TERM": "stop", "USR1": "reexec", "USR2": "none"}}
}

// keys are what [fake], [fake:PROGRAM] and, for a key that neither has, the variable FAKE_<KEY> can say. Durations are
// Go's ("300ms") or seconds.
var keys = map[string]func(b *behaviour, value string) error{
	"record":         func(b *behaviour, v string) error { b.recordDir = v; return nil },
	"record_env":     func(b *behaviour, v string) error { b.recordEnv = list(v); return nil },
	"record_limits":  func(b *behaviour, v string) error { return choice(&b.recordLimits, v, "no", "yes") },
	"print":          func(b *behaviour, v string) error { return text(&b.print, v) },
	"print_err":      func(b *behaviour, v string) error { return text(&b.printErr, v) },
	"stdout":         func(b *behaviour, v string) error { return choice(&b.holdStdout, v, "close", "hold") },
	"setsid":         func(b *behaviour, v string) error { return choice(&b.sameSession, v, "yes", "no") },
	"start_delay":    func(b *behaviour, v string) error { return duration(&b.startDelay, v) },
	"stop_delay":     func(b *behaviour, v string) error { return duration(&b.stopDelay, v) },
	"once_delay":     func(b *behaviour, v string) error { return duration(&b.onceDelay, v) },
	"once_exit":      func(b *behaviour, v string) error { return number(&b.onceExit, v) },
	"exit":           func(b *behaviour, v string) error { return number(&b.exit, v) },
	"exit_after":     func(b *behaviour, v string) error { return duration(&b.exitAfter, v) },
	"kill_self":      func(b *behaviour, v string) error { return fatalSignal(&b.killSelf, v) },
	"on_hup":         func(b *behaviour, v string) error { return act(b, "HUP", v) },
	"on_int":         func(b *behaviour, v string) error { return act(b, "INT", v) },
	"on_quit":        func(b *behaviour, v string) error { return act(b, "QUIT", v) },
	"on_term":        func(b *behaviour, v string) error { return act(b, "TERM", v) },
	"on_usr1":        func(b *behaviour, v string) error { return act(b, "USR1", v) },
	"on_usr2":        func(b *behaviour, v string) error { return act(b, "USR2", v) },
	"workers":        func(b *behaviour, v string) error { return number(&b.workers, v) },
	"worker_session": func(b *behaviour, v string) error { return choice(&b.workerSession, v, "no", "yes") },
	"worker_ignore":  func(b *behaviour, v string) error { b.workerIgnore = list(v); return nil },
	"worker_detach":  func(b *behaviour, v string) error { return choice(&b.workerDetach, v, "no", "yes") },
	"worker_name":    func(b *behaviour, v string) error { b.workerName = v; return nil },
	"reap":           func(b *behaviour, v string) error { return choice(&b.neglect, v, "yes", "no") },
	"notify":         func(b *behaviour, v string) error { return oneOf(&b.notify, v, "no", "yes", "swift") },
	"test_config":    func(b *behaviour, v string) error { b.testConfig = v; return nil },
	"listen":         func(b *behaviour, v string) error { b.listen = v; return nil },
	"pidfile":        func(b *behaviour, v string) error { b.pidfile = v; return nil },
	"daemonize":      func(b *behaviour, v string) error { return oneOf(&b.daemonize, v, "no", "early", "late") },
	"launcher_exit":  func(b *behaviour, v string) error { return number(&b.launcherExit, v) },
	"fail_first":     func(b *behaviour, v string) error { return number(&b.failFirst, v) },
	"wraps":          func(b *behaviour, v string) error { b.wraps = v; return nil },
	"ignore": func(b *behaviour, v string) error {
		for _, sig := range list(v) {
			if err := act(b, sig, "none"); err != nil {
				return err
			}
		}
		return nil
	},
}

// readBehaviour puts the environment, [fake] and [fake:PROGRAM] of the conf together; what comes later wins. An unknown
// key or a bad value is an error: a test with a slip in its conf must not pass.
func readBehaviour(conf, program string, environ []string) (behaviour, error) {
	values := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		key, ours := strings.CutPrefix(name, "FAKE_")
		if ours && key != "CONF" {
			values[strings.ToLower(key)] = value
		}
	}
	sections, err := readSections(conf)
	if err != nil {
		return behaviour{}, err
	}
	for _, section := range []string{"fake", "fake:" + program} {
		for key, value := range sections[section] {
			values[key] = value
		}
	}
	b := defaults()
	for key, value := range values {
		set, ok := keys[key]
		if !ok {
			return b, fmt.Errorf("%q: unknown key %q", conf, key)
		}
		if err := set(&b, value); err != nil {
			return b, fmt.Errorf("%q: key %q: %w", conf, key, err)
		}
	}
	return b, nil
}

// readSections reads a conf file, or the *.conf files of a conf directory in the order of their names.
func readSections(conf string) (map[string]map[string]string, error) {
	sections := map[string]map[string]string{}
	if conf == "-" {
		return sections, nil
	}
	files := []string{conf}
	if info, err := os.Stat(conf); err == nil && info.IsDir() {
		files, _ = filepath.Glob(filepath.Join(conf, "*.conf")) // sorted
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		parse(sections, string(data))
	}
	return sections, nil
}

// parse adds the keys of an INI text to sections. It takes a real server's conf as it is: lines that it cannot read
// are no business of its.
func parse(sections map[string]map[string]string, text string) {
	section := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			name = strings.TrimSuffix(name, "]")
			if sections[name] == nil {
				sections[name] = map[string]string{}
			}
			section = sections[name]
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			section[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
}

func list(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

func text(to *string, v string) (err error) {
	*to, err = strconv.Unquote(`"` + strings.ReplaceAll(v, `"`, `\"`) + `"`)
	return err
}

func number(to *int, v string) (err error) {
	*to, err = strconv.Atoi(v)
	return err
}

func duration(to *time.Duration, v string) (err error) {
	if seconds, err := strconv.ParseFloat(v, 64); err == nil {
		*to = time.Duration(seconds * float64(time.Second))
		return nil
	}
	*to, err = time.ParseDuration(v)
	return err
}

// choice sets to for the second of two words and clears it for the first.
func choice(to *bool, v, off, on string) error {
	if v != off && v != on {
		return fmt.Errorf("%q is neither %q nor %q", v, off, on)
	}
	*to = v == on
	return nil
}

// actions are what a server can do when it gets a signal: end; become a new image of itself; start itself again in the
// background, which then writes the pidfile, and stay (successor) or end (refork); read its conf anew; say that it is
// ready (announce), or that it does not do it (refuse); nothing.
var actions = []string{"stop", "reexec", "successor", "refork", "reread", "announce", "refuse", "none"}

func act(b *behaviour, sig, v string) error {
	if _, ok := b.action[sig]; !ok {
		return fmt.Errorf("unknown signal %q", sig)
	}
	action := b.action[sig]
	err := oneOf(&action, v, actions...)
	b.action[sig] = action
	return err
}

func oneOf(to *string, v string, words ...string) error {
	if !slices.Contains(words, v) {
		return fmt.Errorf("%q is none of %s", v, strings.Join(words, ", "))
	}
	*to = v
	return nil
}

// fatalSignal knows the signals that end a Go program as they would end any other.
func fatalSignal(to *syscall.Signal, v string) error {
	known := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP,
		"INT": syscall.SIGINT, "ALRM": syscall.SIGALRM}
	sig, ok := known[v]
	if !ok {
		return fmt.Errorf("unknown signal %q", v)
	}
	*to = sig
	return nil
}
