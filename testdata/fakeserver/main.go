// Command fakeserver is the small, real daemon that plays every server in the tests, the demo and the parity runs.
//
// It is installed under a server's name (swift-object-server -> fakeserver) and called as that server would be:
//
//	swift-object-server CONF [once] [verbose]
//
// How it behaves, well or badly, is said by CONF (see behaviour.go for the keys); what happens to it, it writes to a
// log that a test reads back. It starts no shell, needs no privilege and never sleeps when it could wait.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// workerMark is the environment variable that makes the program a worker of the server that started it.
const workerMark = "FAKESERVER_WORKER"

// detach is its value for what starts the worker and ends.
const detach = "detach"

// signalNames are the signals that are recorded and acted on; every other one has the kernel's default action.
// CONT is left alone on purpose: it says nothing about what a server was asked to do.
var signalNames = map[os.Signal]string{
	syscall.SIGHUP: "HUP", syscall.SIGINT: "INT", syscall.SIGQUIT: "QUIT",
	syscall.SIGTERM: "TERM", syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2",
}

func main() {
	os.Exit(run())
}

func run() int {
	conf, words := splitArgs(os.Args[1:])
	if problem := missing(conf); problem != "" {
		fmt.Printf("Usage: %s CONFIG [options]\nError: %s\n", program(), problem)
		return 1
	}
	b, err := readBehaviour(conf, program(), os.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakeserver:", err)
		return 3
	}
	if slices.Contains(words, "--test-config") {
		return testConfig(b.testConfig)
	}
	s := &server{behaviour: b, conf: conf, words: words, signals: make(chan os.Signal, 64), workerExits: make(chan *exec.Cmd)}
	for sig := range signalNames {
		signal.Notify(s.signals, sig)
	}
	switch os.Getenv(workerMark) {
	case "":
		switch {
		case b.wraps != "" && os.Getenv(wrappedMark) == "":
			return s.wrap()
		case (b.daemonize == "early" || b.daemonize == "late") && !background():
			return s.launch()
		}
		return s.serve()
	case detach:
		return s.detachWorker()
	default:
		return s.work()
	}
}

// testConfig answers as Swift's servers do: older ones do not know the option.
func testConfig(answer string) int {
	switch answer {
	case "ok":
		return 0
	case "broken":
		fmt.Fprintln(os.Stderr, "no such section: [pipeline:main]")
		return 1
	}
	fmt.Fprintf(os.Stderr, "Usage: %s CONFIG [options]\n\n%s: error: no such option: --test-config\n", program(), program())
	return 2
}

// program is the name it was called by, which is the server that it plays.
func program() string { return filepath.Base(os.Args[0]) }

// splitArgs takes the first argument that is no option for the conf; without one, $FAKE_CONF is the conf, and "-" there
// stands for a server that has none.
func splitArgs(args []string) (conf string, words []string) {
	i := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 {
		return os.Getenv("FAKE_CONF"), nil
	}
	return args[i], args[i+1:]
}

// missing says what is wrong with the conf that was asked for, in Swift's words, or nothing.
func missing(conf string) string {
	if conf == "" {
		return "missing config path argument"
	}
	if _, err := os.Stat(conf); err != nil && conf != "-" {
		return "unable to locate " + conf
	}
	return ""
}

// server is one running server or worker; it is used by one goroutine only.
type server struct {
	behaviour
	conf        string
	words       []string // the arguments behind the conf
	signals     chan os.Signal
	workerExits chan *exec.Cmd // a worker, once it was waited for
	running     []*exec.Cmd    // the workers
	listener    net.Listener   // nil: none
}

// serve is the life of a server: the return value is its exit status.
func (s *server) serve() int {
	if !s.sameSession {
		syscall.Setsid() // refused where the session is its own already
	}
	s.recordStart("start")
	s.recordInheritance()
	fmt.Fprint(os.Stdout, s.print)
	fmt.Fprint(os.Stderr, s.printErr)
	if status, ended := s.pass(s.startDelay); ended {
		return status
	}
	if s.killSelf != 0 {
		signal.Reset(s.killSelf)
		syscall.Kill(os.Getpid(), s.killSelf)
		select {} // the signal is on its way
	}
	if s.fails() {
		return s.end(max(s.exit, 1))
	}
	if s.exit >= 0 && s.exitAfter < 0 && s.failFirst == 0 {
		return s.end(s.exit)
	}
	if err := s.becomeReady(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program(), err)
		return s.end(1)
	}
	if slices.Contains(s.words, "once") {
		return s.once()
	}
	for range s.workers {
		s.startWorker()
	}
	if s.exitAfter < 0 {
		status, _ := s.pass(forever)
		return status
	}
	if status, ended := s.pass(s.exitAfter); ended {
		return status
	}
	return s.end(max(s.exit, 0))
}

// once is one pass of a daemon.
func (s *server) once() int {
	s.record("once")
	if status, ended := s.pass(s.onceDelay); ended {
		return status
	}
	return s.end(s.onceExit)
}

// becomeReady listens, lets go of stdio and tells who waits for it, in the order of a real server.
func (s *server) becomeReady() (err error) {
	if s.listen != "" {
		if s.listener, err = net.Listen("tcp", s.listen); err != nil {
			return err
		}
	}
	if !s.holdStdout {
		if err := s.closeStdio(); err != nil {
			return err
		}
	}
	if err := s.writePidfile(); err != nil {
		return err
	}
	tellLauncher()
	return s.notifyReady()
}

// closeStdio puts /dev/null on the standard descriptors. A server that logs to the console, as the word verbose asks
// for, keeps its stderr: swift.common.utils.capture_stdio does the same.
func (s *server) closeStdio() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	fds := []int{0, 1, 2}
	if slices.Contains(s.words, "verbose") {
		fds = fds[:2]
	}
	for _, fd := range fds {
		if err := syscall.Dup3(int(null.Fd()), fd, 0); err != nil {
			return err
		}
	}
	return nil
}

// pass lets d go by, serving signals and replacing dead workers meanwhile. ended says that a signal ended the server.
func (s *server) pass(d time.Duration) (status int, ended bool) {
	var over <-chan time.Time
	if d >= 0 {
		over = time.After(d)
	}
	for {
		select {
		case <-over:
			return 0, false
		case sig := <-s.signals:
			s.record("signal " + signalNames[sig])
			switch s.action[signalNames[sig]] {
			case "stop":
				return s.stop(), true
			case "reexec":
				s.reexec()
			case "successor":
				s.succeed()
			case "refork":
				s.succeed()
				return s.end(0), true
			case "reread":
				s.record("reread")
			case "announce":
				s.say("READY=1")
			case "refuse":
				s.say("ERRNO=22\nSTATUS=bind_port cannot be changed by a reload")
			}
		case dead := <-s.workerExits:
			s.forget(dead)
			s.startWorker()
		}
	}
}

// stop ends the server as asked by a signal; more signals are recorded and change nothing.
func (s *server) stop() int {
	over := time.After(s.stopDelay)
	for {
		select {
		case sig := <-s.signals:
			s.record("signal " + signalNames[sig])
		case dead := <-s.workerExits:
			s.forget(dead)
		case <-over:
			s.say("STOPPING=1")
			s.stopWorkers()
			return s.end(0)
		}
	}
}

// reexec becomes a new image of itself in the same process, as Swift's servers do for a seamless reload.
func (s *server) reexec() {
	s.record("reexec")
	s.say("RELOADING=1")
	s.stopWorkers()
	signal.Ignore(syscall.SIGUSR2) // which outlives the exec: a test's probe must not kill the new image
	err := syscall.Exec("/proc/self/exe", os.Args, os.Environ())
	s.record(fmt.Sprintf("reexec failed: %v", err))
}

// succeed starts the program again in the background, which takes over the pidfile, and waits until it is ready.
func (s *server) succeed() {
	s.record("successor")
	ready, err := s.again()
	if err != nil {
		s.record(fmt.Sprintf("successor failed: %v", err))
		return
	}
	defer ready.Close()
	io.Copy(io.Discard, ready)
}

// end records the exit status and gives it back.
func (s *server) end(status int) int {
	if s.listener != nil {
		s.listener.Close()
	}
	s.removePidfile()
	s.record(fmt.Sprintf("exit %d", status))
	return status
}
