package pidfile

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Stat is what mgr wants to know of /proc/PID/stat, proc_pid_stat(5).
type Stat struct {
	Comm    string
	State   byte // R, S, D, T, t, Z, X, …
	PPID    int
	PGRP    int
	Session int
	Flags   uint64 // PF_* of the kernel's linux/sched.h
	Start   uint64 // clock ticks after boot
}

const (
	pfExiting = 0x00000004 // PF_EXITING: in do_exit
	pfKthread = 0x00200000 // PF_KTHREAD: a kernel thread
)

func (s Stat) kernel() bool  { return s.Flags&pfKthread != 0 }
func (s Stat) exiting() bool { return s.Flags&pfExiting != 0 || s.State == 'Z' || s.State == 'X' }

// parseStat reads the content of /proc/PID/stat. The command name stands in
// parentheses and may hold anything, parentheses and newlines included, so the
// last one ends it.
func parseStat(raw []byte) (Stat, error) {
	open, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("stat without a command name: %q", clip(raw))
	}
	s := Stat{Comm: string(raw[open+1 : end])}
	f := strings.Fields(string(raw[end+1:]))
	if len(f) < 20 || len(f[0]) != 1 {
		return Stat{}, fmt.Errorf("stat with %d fields: %q", len(f), clip(raw))
	}
	s.State = f[0][0]
	var err error
	number := func(i int) uint64 {
		n, e := strconv.ParseUint(f[i], 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("stat field %d: %w", i+3, e)
		}
		return n
	}
	s.PPID, s.PGRP, s.Session = int(number(1)), int(number(2)), int(number(3))
	s.Flags, s.Start = number(6), number(19)
	return s, err
}

func clip(raw []byte) []byte { return raw[:min(len(raw), 80)] }

// splitCmdline splits the content of /proc/PID/cmdline: arguments that each
// end in a NUL, proc_pid_cmdline(5). A program that rewrote its title may leave
// out the NULs, or pad with many.
func splitCmdline(raw []byte) []string {
	s := strings.TrimRight(string(raw), "\x00")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}
