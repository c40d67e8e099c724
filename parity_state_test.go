package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var (
	// pids are the numbers that are another at each run.
	pids = regexp.MustCompile(`(pid:? |PID |\()\d+`)
	// limitWarning is a line that depends on what the machine permits to whom the test runs as.
	limitWarning = regexp.MustCompile(`^WARNING: Unable to modify .* limit`)
)

// normalise makes lines of a manager's output that can be compared. Empty ones are left out: swift-init prints a
// server's output with a line end of its own.
func (tr *tree) normalise(stdout, stderr string) []string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(stdout, tr.root, "ROOT")) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !limitWarning.MatchString(line) {
			lines = append(lines, pids.ReplaceAllString(line, "${1}PID"))
		}
	}
	if strings.Contains(stderr, "Traceback (most recent call last)") || strings.Contains(stderr, "\ngoroutine ") {
		lines = append(lines, "(crashed)")
	}
	return withoutHelp(lines)
}

// withoutHelp makes one line of a help text: each side has its own words for what both of them can do.
func withoutHelp(lines []string) []string {
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Usage: ") }) {
		return lines
	}
	return append([]string{"(help)"}, slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "ERROR: ") })...)
}

// serverLog is what one program with one conf has recorded.
type serverLog struct {
	program, conf string // conf relative to ROOT/conf
	events        []string
}

func (l serverLog) count(prefix string) (n int) {
	for _, event := range l.events {
		if strings.HasPrefix(event, prefix) {
			n++
		}
	}
	return n
}

// pids are the processes that recorded this event, start or worker-start, in their order.
func (l serverLog) pids(event string) (all []int) {
	for _, line := range l.events {
		var pid int
		if _, err := fmt.Sscanf(line, event+" pid=%d ", &pid); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

func (tr *tree) readLog(program, conf string) serverLog {
	path := conf
	if conf != "-" { // what a server calls no conf
		path = tr.path("conf/" + conf)
	}
	name := program + "@" + strings.ReplaceAll(path, "/", "_") + ".log"
	data, _ := os.ReadFile(tr.path("log/" + name)) // none yet: no event
	return serverLog{program: program, conf: conf, events: strings.Split(strings.TrimSpace(string(data)), "\n")}
}

// readLogs reads the log of every server that was ever started, in the order of their names.
func (tr *tree) readLogs() (all []serverLog) {
	var confs []string
	filepath.WalkDir(tr.path("conf"), func(path string, _ fs.DirEntry, err error) error {
		if relative, _ := filepath.Rel(tr.path("conf"), path); err == nil {
			confs = append(confs, relative)
		}
		return nil
	})
	for _, program := range swiftPrograms {
		for _, conf := range confs {
			if l := tr.readLog("swift-"+program, conf); l.events[0] != "" {
				all = append(all, l)
			}
		}
	}
	return all
}

// endState says what there is at the end: pidfiles and what they name, what each server got, strangers, and what runs
// without being any of these.
func (tr *tree) endState() ([]string, error) {
	for _, l := range tr.readLogs() {
		if err := tr.settle(l); err != nil {
			return nil, err
		}
	}
	logs := tr.readLogs()
	lines := tr.pidfiles(logs)
	for _, l := range logs {
		lines = append(lines, tr.summary(l))
	}
	for pidfile, cmd := range tr.strangers {
		fate := "killed"
		if fd, err := unix.PidfdOpen(cmd.Process.Pid, 0); err == nil { // not waited for: the number is still its own
			if ended, _ := poll(0, fd); !ended {
				fate = "untouched"
			}
			unix.Close(fd)
		}
		lines = append(lines, "stranger of "+pidfile+": "+fate)
	}
	return append(lines, tr.strays(logs)...), nil
}

// settle waits until every living process of the log has recorded all signals that were sent to it so far. A Go program
// takes pending signals in batches, lowest number first: once it has recorded a second USR2 that was sent after the
// first was recorded, whatever came before the first one is recorded as well.
func (tr *tree) settle(l serverLog) error {
	for event, answer := range map[string]string{"start": "signal USR2", "worker-start": "worker-signal USR2"} {
		for _, pid := range slices.Compact(slices.Sorted(slices.Values(l.pids(event)))) {
			for range 2 {
				if err := tr.probe(pid, l, answer); err != nil {
					return fmt.Errorf("%s %s pid %d: %w", l.program, l.conf, pid, err)
				}
			}
		}
	}
	return nil
}

func (tr *tree) probe(pid int, l serverLog, answer string) error {
	p := tr.open(pid)
	if p == nil {
		return nil
	}
	defer p.close()
	now := func() serverLog { return tr.readLog(l.program, l.conf) }
	started := func() bool { return now().count("start ") >= 1 && now().count("reexec") < len(now().pids("start")) }
	if err := tr.watchLogs(started, p.fd); err != nil {
		return err
	}
	before := now().count(answer)
	if err := unix.PidfdSendSignal(p.fd, unix.SIGUSR2, nil, 0); err != nil {
		return nil // it has just ended
	}
	return tr.watchLogs(func() bool { return now().count(answer) > before }, p.fd)
}

// summary is one line on all that a server got and on what is left of it.
func (tr *tree) summary(l serverLog) string {
	var parts, workers []string
	for _, event := range l.events {
		kind, rest, _ := strings.Cut(event, " ")
		switch {
		case event == "signal USR2" || event == "worker-signal USR2":
		case strings.HasPrefix(kind, "worker"):
			text, _, _ := strings.Cut(event, " pid=")
			workers = append(workers, text)
		case kind == "start":
			parts = append(parts, strings.TrimSpace("start "+tr.arguments(rest)))
		default:
			parts = append(parts, event)
		}
	}
	slices.Sort(workers)
	for _, text := range slices.Compact(slices.Clone(workers)) {
		parts = append(parts, fmt.Sprintf("%s x%d", text, l.count(text)))
	}
	for _, what := range []string{"start", "worker-start"} {
		living := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(l.pids(what)))),
			func(pid int) bool { return !tr.isLive(pid) })
		if len(living) > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", map[string]string{"start": "running", "worker-start": "workers running"}[what], len(living)))
		}
	}
	return l.program + " " + l.conf + ": " + strings.Join(parts, ", ")
}

// arguments are those of a start event, without argv[0]: a script with an interpreter would see its path in any case.
func (tr *tree) arguments(event string) string {
	_, list, _ := strings.Cut(event, "argv=")
	var argv []string
	if err := json.Unmarshal([]byte(list), &argv); err != nil || len(argv) == 0 {
		return event
	}
	return strings.ReplaceAll(strings.Join(argv[1:], " "), tr.root, "ROOT")
}

// pidfiles lists what is below the run directory. A hidden file at its top is a lock, which no manager takes for a
// pidfile.
func (tr *tree) pidfiles(logs []serverLog) (lines []string) {
	run := tr.path("run")
	filepath.WalkDir(run, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Dir(path) == run && strings.HasPrefix(entry.Name(), ".") {
			return nil
		}
		relative, _ := filepath.Rel(run, path)
		data, _ := os.ReadFile(path)
		lines = append(lines, "pidfile "+relative+" "+tr.meaning(relative, string(data), logs))
		return nil
	})
	return lines
}

// meaning says what a pidfile names.
func (tr *tree) meaning(pidfile, content string, logs []serverLog) string {
	pid, err := strconv.Atoi(strings.TrimSpace(content))
	if err != nil {
		return fmt.Sprintf("holds %q", content)
	}
	for _, l := range logs {
		if slices.Contains(l.pids("start"), pid) && tr.isLive(pid) {
			return "names " + l.program + " " + l.conf
		}
	}
	if cmd := tr.strangers[pidfile]; cmd != nil && cmd.Process.Pid == pid {
		return "names the stranger"
	}
	return "names nobody"
}

// strays are the processes of the tree that are neither a server nor a worker: none, if all is well.
func (tr *tree) strays(logs []serverLog) (lines []string) {
	for _, p := range tr.processes() {
		known := slices.ContainsFunc(logs, func(l serverLog) bool {
			return slices.Contains(append(l.pids("start"), l.pids("worker-start")...), p.pid)
		})
		if !known {
			name, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid))
			lines = append(lines, "stray "+filepath.Base(name))
		}
		p.close()
	}
	return lines
}
