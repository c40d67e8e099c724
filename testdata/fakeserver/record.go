package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// recordStart records the process as it sees itself.
func (s *server) recordStart(event string) {
	argv, _ := json.Marshal(os.Args)
	s.record(fmt.Sprintf("%s pid=%d argv=%s", event, os.Getpid(), argv))
}

// recordInheritance records what the conf asks for of the things that the starter hands on.
func (s *server) recordInheritance() {
	for _, name := range s.recordEnv {
		if value, ok := os.LookupEnv(name); ok {
			s.record("env " + name + "=" + value)
		}
	}
	if s.recordLimits {
		s.recordResourceLimits()
	}
}

// recordResourceLimits reads them where the kernel shows them: Go's runtime has raised the soft one of files by now.
func (s *server) recordResourceLimits() {
	data, _ := os.ReadFile("/proc/self/limits")
	for line := range strings.Lines(string(data)) {
		for _, name := range []string{"open files", "data size", "processes"} {
			if rest, ok := strings.CutPrefix(line, "Max "+name); ok {
				s.record("limit " + name + " " + strings.Fields(rest)[1])
			}
		}
	}
}

// log is the path of the server's log.
func (s *server) log() string {
	return filepath.Join(s.recordDir, program()+"@"+strings.ReplaceAll(s.conf, "/", "_")+".log")
}

// record appends one line to the log with one write, so that the lines of several processes never mix.
func (s *server) record(event string) {
	if s.recordDir == "" {
		return
	}
	f, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakeserver:", err)
		return
	}
	defer f.Close()
	f.WriteString(event + "\n")
}
