package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// swiftInit is swift-init on the same tree: Debian's module, with the command line of scripts/swift-oracle.py.
func (t *tree) swiftInit(command string) (call, bool) {
	python := "/usr/bin/python3"
	if exec.Command(python, "-c", "import swift.common.manager").Run() != nil {
		return call{}, false
	}
	return call{
		argv: []string{python, t.w.bin("swift-oracle.py"), "-r", t.run, t.server, command},
		env:  append([]string{"SWIFT_ORACLE_CONF_DIR=" + t.conf, "SWIFT_ORACLE_RUN_DIR=" + t.run}, t.env...),
	}, true
}

// startStopDaemon is dpkg's on the same tree: once for each instance, from a shell, as init scripts do.
func (t *tree) startStopDaemon(command string) (call, bool) {
	path, err := exec.LookPath("start-stop-daemon")
	if err != nil {
		return call{}, false
	}
	line := map[string]string{
		"status": `--status --pidfile "$pid" --exec "$DAEMON"`,
		"start":  `--start --quiet --background --make-pidfile --pidfile "$pid" --startas "$BENCH_BIN/$command" -- "$conf"`,
		"stop":   `--stop --quiet --retry TERM/30 --remove-pidfile --pidfile "$pid" --exec "$DAEMON"`,
	}[command]
	script := `while read -r command conf pid; do "$SSD" ` + line + ` || exit; done <"$LIST"`
	return call{
		argv: []string{"/bin/sh", "-c", script},
		env:  append([]string{"SSD=" + path, "LIST=" + t.list, "DAEMON=" + t.w.bin("daemon")}, t.env...),
	}, true
}

// services are n daemons below a supervisor: a directory for each, whose run is the daemon itself.
type services struct {
	w    *world
	base string
	dirs []string
}

func (w *world) services(kind string, n int) (*services, error) {
	w.trees++
	s := &services{w: w, base: filepath.Join(w.dir, "tmp", fmt.Sprint(kind, w.trees))}
	w.later(func() { _ = os.RemoveAll(s.base) })
	for k := range n {
		dir := filepath.Join(s.base, fmt.Sprint(k+1))
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Symlink(w.bin("daemon"), dir+"/run")); err != nil {
			return nil, err
		}
		s.dirs = append(s.dirs, dir)
	}
	return s, nil
}

// runit puts n services below a runsv each, and gives what calls sv.
func (w *world) runit(n int) (func(command string) call, bool, error) {
	sv, err1 := exec.LookPath("sv")
	runsv, err2 := exec.LookPath("runsv")
	if err1 != nil || err2 != nil {
		return nil, false, nil
	}
	s, err := w.services("sv", n)
	if err != nil {
		return nil, false, err
	}
	control := func(command string) call { return call{argv: append([]string{sv, "-w", "60", command}, s.dirs...)} }
	if err := s.each(runsv, "supervise/ok"); err != nil {
		return nil, false, err
	}
	w.later(func() { _ = w.run(nil, control("force-exit").argv...) })
	return control, true, w.run(nil, control("start").argv...)
}

// heldRunit is what sv status finds of n services that run, without the services: the supervise directories of runsv,
// whose FIFOs one process holds. It is for numbers of which the machine could not hold the processes twice.
func (w *world) heldRunit(n int) (func(command string) call, bool, error) {
	sv, err := exec.LookPath("sv")
	if err != nil {
		return nil, false, nil
	}
	s, err := w.services("sv", n)
	if err != nil {
		return nil, false, err
	}
	status := binary.BigEndian.AppendUint64(nil, 1<<62+uint64(time.Now().Unix())) // TAI64N
	status = binary.BigEndian.AppendUint32(status, 0)
	status = binary.LittleEndian.AppendUint32(status, uint32(os.Getpid()))
	status = append(status, 0, 'u', 0, 1)
	var fifos []string
	for _, dir := range s.dirs {
		fifo := dir + "/supervise/ok"
		if err := errors.Join(os.Mkdir(dir+"/supervise", 0o755), unix.Mkfifo(fifo, 0o600), os.WriteFile(dir+"/supervise/status", status, 0o644)); err != nil {
			return nil, false, err
		}
		fifos = append(fifos, fifo)
	}
	holder := exec.Command(w.bin("floor"), append([]string{"hold"}, fifos...)...)
	open, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		return nil, false, err
	}
	w.later(func() {
		_ = holder.Process.Kill()
		_ = holder.Wait()
	})
	_, _ = open.Read(make([]byte, 1)) // the end of it: all are open
	return func(command string) call { return call{argv: append([]string{sv, command}, s.dirs...)} }, true, nil
}

// s6 puts n services below an s6-supervise each, and gives what calls s6-svc and s6-svstat, once for each.
func (w *world) s6(n int) (func(command string) call, bool, error) {
	var tools [4]string
	for k, name := range []string{"s6-supervise", "s6-svc", "s6-svstat", "s6-svwait"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, false, nil
		}
		tools[k] = path
	}
	s, err := w.services("s6", n)
	if err != nil {
		return nil, false, err
	}
	each := func(command string) call {
		script := map[string]string{
			"status": `for d; do "$SVSTAT" "$d" || exit; done`,
			"start":  `for d; do "$SVC" -u "$d" || exit; done; exec "$SVWAIT" -u "$@"`,
			"stop":   `for d; do "$SVC" -d "$d" || exit; done; exec "$SVWAIT" -D "$@"`,
			"end":    `for d; do "$SVC" -x "$d"; done`,
		}[command]
		return call{
			argv: append([]string{"/bin/sh", "-c", script, "sh"}, s.dirs...),
			env:  []string{"SVC=" + tools[1], "SVSTAT=" + tools[2], "SVWAIT=" + tools[3], "PATH=/usr/bin:/bin"},
		}
	}
	if err := s.each(tools[0], "supervise/status"); err != nil {
		return nil, false, err
	}
	w.later(func() {
		for _, command := range []string{"stop", "end"} {
			c := each(command)
			_ = w.run(c.env, c.argv...)
		}
	})
	c := each("start")
	return each, true, w.run(c.env, c.argv...)
}

// each starts a supervisor for each service, and waits until its file is there.
func (s *services) each(supervisor, file string) error {
	for _, dir := range s.dirs {
		if err := s.w.spawn([]string{"PATH=/usr/bin:/bin"}, supervisor, dir); err != nil {
			return err
		}
	}
	return s.w.await(func() bool {
		for _, dir := range s.dirs {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				return false
			}
		}
		return true
	})
}

// supervisor runs a supervisord with n programs, and gives what calls supervisorctl.
func (w *world) supervisor(n int) (func(command string) call, bool, error) {
	d, err1 := exec.LookPath("supervisord")
	ctl, err2 := exec.LookPath("supervisorctl")
	if err1 != nil || err2 != nil {
		return nil, false, nil
	}
	w.trees++
	base := filepath.Join(w.dir, "tmp", fmt.Sprint("supervisor", w.trees))
	if err := os.Mkdir(base, 0o755); err != nil {
		return nil, false, err
	}
	w.later(func() { _ = os.RemoveAll(base) })
	conf := base + "/supervisord.conf"
	text := fmt.Sprintf(`[supervisord]
nodaemon = true
minfds = 8192
logfile = /dev/null
logfile_maxbytes = 0
pidfile = %[1]s/pid
[unix_http_server]
file = %[1]s/socket
[supervisorctl]
serverurl = unix://%[1]s/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
`, base)
	for k := range n {
		text += fmt.Sprintf("[program:p%d]\ncommand = %s %d.conf\nstartsecs = 0\nautorestart = false\nstdout_logfile = NONE\nstderr_logfile = NONE\n",
			k+1, w.bin("daemon"), k+1)
	}
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, false, err
	}
	control := func(command string) call {
		argv := []string{ctl, "-c", conf, command}
		if command != "status" && command != "shutdown" {
			argv = append(argv, "all")
		}
		return call{argv: argv, env: []string{"PATH=/usr/bin:/bin"}}
	}
	if err := w.spawn([]string{"PATH=/usr/bin:/bin"}, d, "-c", conf); err != nil {
		return nil, false, err
	}
	w.later(func() { c := control("stop"); _ = w.run(c.env, c.argv...) })
	return control, true, w.await(func() bool { c := control("status"); return w.run(c.env, c.argv...) == nil })
}

// await looks every few milliseconds whether something is so that nobody tells.
func (w *world) await(is func() bool) error {
	for limit := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			return errors.New("not ready after a minute")
		}
	}
	return nil
}
