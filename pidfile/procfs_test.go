package pidfile

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const statTail = " S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 98765 1000 200 18446744073709551615 1 1 0 0 0 0"

func TestParseStat(t *testing.T) {
	s := Stat{State: 'S', PPID: 1, PGRP: 812, Session: 812, Flags: 4194560, Threads: 3, Start: 98765}
	named := func(comm string) *Stat {
		s := s
		s.Comm = comm
		return &s
	}
	dead := Stat{Comm: "x", State: 'X', PGRP: -1, Session: -1, Flags: 4, Threads: 0, Start: 5}
	for _, tt := range []struct {
		raw  string
		want *Stat // nil: an error
	}{
		{"812 (demo-server)" + statTail + "\n", named("demo-server")},
		{"812 ()" + statTail, named("")},
		{"812 (a b)" + statTail, named("a b")},
		{"812 (a) S 1 (b)" + statTail, named("a) S 1 (b")}, // a name that plays fields
		{"812 ((((()" + statTail, named("((((")},
		{"812 ())))))" + statTail, named(")))))")},
		{"812 (\n)" + statTail, named("\n")},
		{"812 (x) X 0 -1 -1 0 -1 4 0 0 0 0 0 0 0 0 0 0 0 0 5 0", &dead},
		{"", nil},
		{"812", nil},
		{")(", nil},
		{"812 (x)", nil},
		{"812 (x) S 1 2", nil},
		{"812 (x) \xc8" + statTail[2:], nil},
		{"812 (x) SS" + statTail[2:], nil},
		{strings.Replace("812 (x)"+statTail, " 1 ", " one ", 1), nil},
		{strings.Replace("812 (x)"+statTail, " 1 ", " 4294967296 ", 1), nil},
		{strings.Replace("812 (x)"+statTail, "98765", "-5", 1), nil},
		{strings.Replace("812 (x)"+statTail, "98765", "99999999999999999999", 1), nil},
	} {
		got, err := parseStat([]byte(tt.raw))
		if tt.want == nil {
			if err == nil || got != (Stat{}) {
				t.Errorf("parseStat(%q) = %+v, %v, want an error", tt.raw, got, err)
			}
			continue
		}
		if diff := cmp.Diff(*tt.want, got); err != nil || diff != "" {
			t.Errorf("parseStat(%q): %v (-want +got)\n%s", tt.raw, err, diff)
		}
	}
}

// FuzzParseStat prints what was read, with a hostile name, and reads it again.
func FuzzParseStat(f *testing.F) {
	f.Add([]byte("812 (demo-server)"+statTail), "demo")
	f.Add([]byte("812 (a) S 1 (b)"+statTail), ") R 0 0 0")
	f.Add([]byte(")("), "\n")
	f.Add([]byte("1 (x) X 0 -1 -1 0 -1 4 0 0 0 0 0 0 0 0 0 0 0 0 5 0"), "(")
	f.Fuzz(func(t *testing.T, raw []byte, comm string) {
		s, err := parseStat(raw)
		if err != nil {
			if s != (Stat{}) {
				t.Fatalf("parseStat(%q) = %+v, %v", raw, s, err)
			}
			return
		}
		s.Comm = comm
		printed := fmt.Sprintf("1 (%s) %c %d %d %d 0 -1 %d 1 2 3 4 5 6 7 8 20 0 %d 0 %d 0\n",
			comm, s.State, s.PPID, s.PGRP, s.Session, s.Flags, s.Threads, s.Start)
		again, err := parseStat([]byte(printed))
		if err != nil || again != s {
			t.Fatalf("parseStat(%q) = %+v, %v, want %+v", printed, again, err, s)
		}
	})
}

func TestStatExited(t *testing.T) {
	for _, tt := range []struct {
		s               Stat
		exited, exiting bool
	}{
		{Stat{State: 'S', Threads: 1}, false, false},
		{Stat{State: 'Z', Threads: 1}, true, true},
		{Stat{State: 'Z', Threads: 4}, false, true},
		{Stat{State: 'X'}, true, true},
		{Stat{State: 'R', Threads: 1, Flags: pfExiting}, false, true},
		{Stat{State: 'D', Threads: 1}, false, false},
	} {
		if tt.s.exited() != tt.exited || tt.s.exiting() != tt.exiting {
			t.Errorf("%+v: exited %v, exiting %v", tt.s, tt.s.exited(), tt.s.exiting())
		}
	}
}

func TestSplitCmdline(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want []string
	}{
		{"", nil},
		{"\x00", nil},
		{"\x00\x00\x00", nil},
		{"a\x00", []string{"a"}},
		{"a\x00b c\x00", []string{"a", "b c"}},
		{"a\x00\x00b\x00", []string{"a", "", "b"}},
		{"\x00b\x00", []string{"", "b"}},
		{"nginx: master process x", []string{"nginx: master process x"}}, // a title without NULs
		{"title\x00\x00\x00\x00\x00", []string{"title"}},                 // one padded with them
		{"a\x00-x=\xff\n\x00", []string{"a", "-x=\xff\n"}},
	} {
		if diff := cmp.Diff(tt.want, splitCmdline([]byte(tt.raw))); diff != "" {
			t.Errorf("splitCmdline(%q) (-want +got)\n%s", tt.raw, diff)
		}
	}
}

func TestParseFdinfo(t *testing.T) {
	const head = "pos:\t0\nflags:\t02000002\nmnt_id:\t4\nino:\t88231\n"
	for _, tt := range []struct {
		raw  string
		want fdinfo
		ok   bool
	}{
		{head + "Pid:\t812\nNSpid:\t812\n", fdinfo{PID: 812}, true},
		{head + "Pid:\t812\nNSpid:\t812\t7\n", fdinfo{PID: 812, Nested: true}, true},
		{head + "Pid:\t812\n", fdinfo{PID: 812}, true}, // no pid namespaces in this kernel
		{head + "Pid:\t-1\nNSpid:\t-1\n", fdinfo{PID: -1}, true},
		{head + "Pid:\t0\nNSpid:\t0\n", fdinfo{}, true},
		{head, fdinfo{}, false}, // no pidfd
		{"", fdinfo{}, false},
		{head + "Pid:\tx\n", fdinfo{}, false},
		{head + "Pid:\n", fdinfo{}, false},
	} {
		got, err := parseFdinfo([]byte(tt.raw))
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != tt.ok {
			t.Errorf("parseFdinfo(%q): %v (-want +got)\n%s", tt.raw, err, diff)
		}
	}
}

func TestParseUIDs(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want []uint32
	}{
		{"Name:\tx\nUid:\t1000\t0\t33\t0\nGid:\t0\t0\t0\t0\n", []uint32{1000, 33}},
		{"Name:\tUid:\\n\nUid:\t4294967295\t1\t2\t3\n", []uint32{4294967295, 2}},
		{"Name:\tx\n", nil},
		{"Uid:\t1\t2\n", nil},
		{"Uid:\t-1\t0\t0\t0\n", nil},
		{"", nil},
	} {
		got, err := parseUIDs([]byte(tt.raw))
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != (tt.want == nil) {
			t.Errorf("parseUIDs(%q): %v (-want +got)\n%s", tt.raw, err, diff)
		}
	}
}

func FuzzFields(f *testing.F) {
	f.Add([]byte("Pid:\t812\nNSpid:\t812\t7\nUid:\t0\t1\t2\t3\n"))
	f.Add([]byte("Pid:\t-1\nUid:\t-1\t\t\t\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if info, err := parseFdinfo(raw); err != nil && info != (fdinfo{}) {
			t.Fatalf("%+v with %v", info, err)
		}
		if uids, err := parseUIDs(raw); (err == nil) != (len(uids) == 2) {
			t.Fatalf("%v with %v", uids, err)
		}
	})
}

// TestReadProc reads the command lines of real processes, one too long.
func TestReadProc(t *testing.T) {
	argv := []string{"demo", "", "two words", "line\nend", "\xff", "last"}
	got, err := cmdline(start(t, "good", argv).pid())
	if diff := cmp.Diff(argv, got); err != nil || diff != "" {
		t.Errorf("cmdline: %v (-want +got)\n%s", err, diff)
	}
	long := strings.Repeat("x", 100_000)
	raw, err := readProc(procPath(start(t, "good", []string{"demo", long, long}).pid(), "cmdline"), make([]byte, 10))
	if err != nil || len(raw) != maxProc {
		t.Errorf("read %d bytes, %v, want %d", len(raw), err, maxProc)
	}
	if _, err := readProc(procPath(maxPID+1, "stat"), make([]byte, 10)); !os.IsNotExist(err) {
		t.Errorf("a process that there is not: %v", err)
	}
	st, err := stat(os.Getpid())
	if err != nil || st.PPID != os.Getppid() || st.exited() || st.Threads < 1 || !slices.Contains([]byte("RS"), st.State) {
		t.Errorf("stat of ourselves: %+v, %v", st, err)
	}
}
