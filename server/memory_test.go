package server

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseKill(t *testing.T) {
	boot := time.Unix(1_000_000, 0)
	for _, tt := range []struct {
		record string
		pid    int
	}{
		{"3,1042,24870241086,-;Memory cgroup out of memory: Killed process 29029 (perl) total-vm:269120kB, UID:0\n SUBSYSTEM=x\n", 29029},
		{"3,1,5000000,-;Out of memory: Killed process 7 (a (b) c) total-vm:1kB\n", 7},
		{"6,1,5,-;oom_reaper: reaped process 29029 (perl), now anon-rss:0kB\n", 0},
		{"6,1,5,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=perl,pid=29029,uid=0\n", 0},
		{"3,1,5,-;Out of memory: Killed process x (perl)\n", 0},
		{"3,1,5,-;Out of memory: Killed process 7", 0},
		{"3;x: Killed process 7 (x)", 0},
		{"3,1,y,-;x: Killed process 7 (x)", 0},
		{"", 0},
		// What a program writes to the log stands behind its own name, on lines that begin with no ": Killed".
		{"12,1,5,-;Killed process 7 (x)", 0},
	} {
		k, ok := parseKill(tt.record, boot)
		if ok != (tt.pid != 0) || k.pid != tt.pid {
			t.Errorf("%q: %v, %v", tt.record, k, ok)
		}
	}
	k, _ := parseKill("3,1,5000000,-;x: Killed process 7 (x)", boot)
	log := &KernelLog{kills: []kernelKill{k}}
	for _, tt := range []struct {
		pid   int
		since time.Time
		want  string
	}{
		{7, boot, "x: Killed process 7 (x)"},
		{8, boot, ""},
		{7, boot.Add(time.Minute), "x: Killed process 7 (x)"}, // the clocks differ
		{7, boot.Add(time.Hour), ""},                          // another one of that number
	} {
		if got, err := log.Killed(tt.pid, tt.since); got != tt.want || err != nil {
			t.Errorf("%d since %v: %q, %v", tt.pid, tt.since, got, err)
		}
	}
}

func TestCgroupKills(t *testing.T) {
	file := filepath.Join(t.TempDir(), "memory.events")
	for text, want := range map[string]int{
		"low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n": 2, "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n": 5,
		"oom 3\n": -1, "oom_kill many\n": -1,
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, ok := cgroupKills(file); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}
