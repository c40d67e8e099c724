package pidfile

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Stat is what mgr wants to know of /proc/PID/stat, proc_pid_stat(5).
type Stat struct {
	Comm    string
	State   byte // R, S, D, T, t, Z, X, …
	PPID    int
	PGRP    int
	Session int
	Flags   uint64 // PF_* of the kernel's linux/sched.h
	Threads int
	Start   uint64 // clock ticks after boot
}

const (
	pfExiting = 0x00000004 // PF_EXITING: in do_exit
	pfKthread = 0x00200000 // PF_KTHREAD: a kernel thread
)

func (s Stat) kernel() bool { return s.Flags&pfKthread != 0 }

// exited says whether nothing of the process runs any more. The first thread
// may be a zombie long before the others end: it is then a zombie with threads.
func (s Stat) exited() bool { return (s.State == 'Z' || s.State == 'X') && s.Threads < 2 }

func (s Stat) exiting() bool { return s.Flags&pfExiting != 0 || s.State == 'Z' || s.State == 'X' }

// splitStat gives the command name and the fields behind it, the state first, of the
// content of /proc/PID/stat; no fields if it is none. The name stands in parentheses and
// may hold anything, parentheses and newlines included, so the last one ends it.
func splitStat(raw []byte) (comm string, fields []string) {
	open, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if open < 0 || end < open {
		return "", nil
	}
	return string(raw[open+1 : end]), strings.Fields(string(raw[end+1:]))
}

// parseStat reads the content of /proc/PID/stat.
func parseStat(raw []byte) (Stat, error) {
	comm, f := splitStat(raw)
	s := Stat{Comm: comm}
	if len(f) < 20 || len(f[0]) != 1 || f[0][0] < 'A' || f[0][0] > 'z' {
		return Stat{}, fmt.Errorf("stat with %d fields: %q", len(f), clip(raw))
	}
	s.State = f[0][0]
	var err error
	number := func(i int) uint64 {
		n, e := strconv.ParseUint(f[i], 10, 64)
		err = cmp.Or(err, e)
		return n
	}
	id := func(i int) int { // -1 in what is left of a process that is being reaped
		n, e := strconv.ParseInt(f[i], 10, 32)
		err = cmp.Or(err, e)
		return int(n)
	}
	s.PPID, s.PGRP, s.Session, s.Threads = id(1), id(2), id(3), id(17)
	s.Flags, s.Start = number(6), number(19)
	if err != nil {
		return Stat{}, fmt.Errorf("stat %q: %w", clip(raw), err)
	}
	return s, nil
}

// clip is what a message quotes, a copy, so that raw need not be on the heap.
func clip(raw []byte) string { return string(raw[:min(len(raw), 80)]) }

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

// A fdinfo is what /proc/self/fdinfo says of a pidfd, proc_pid_fdinfo(5).
type fdinfo struct {
	PID    int  // in the pid namespace of /proc; -1 once it was reaped, 0 if it has none there
	Nested bool // the process lives in a pid namespace below that
}

func parseFdinfo(raw []byte) (fdinfo, error) {
	f := field(raw, "Pid:")
	if len(f) != 1 {
		return fdinfo{}, fmt.Errorf("fdinfo without a pid: %q", clip(raw))
	}
	pid, err := strconv.ParseInt(f[0], 10, 32)
	if err != nil {
		return fdinfo{}, fmt.Errorf("fdinfo: %w", err)
	}
	return fdinfo{PID: int(pid), Nested: len(field(raw, "NSpid:")) > 1}, nil
}

// parseUIDs gives the real and the saved user id that the content of
// /proc/PID/status names: who has one of them may signal the process, kill(2).
func parseUIDs(raw []byte) ([]uint32, error) {
	f := field(raw, "Uid:")
	if len(f) != 4 {
		return nil, fmt.Errorf("status without user ids: %q", clip(raw))
	}
	var out []uint32
	for _, s := range []string{f[0], f[2]} {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("status: %w", err)
		}
		out = append(out, uint32(n))
	}
	return out, nil
}

// field gives the words behind label on the first line that begins with it.
func field(raw []byte, label string) []string {
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, label); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

// cmdline reads the arguments of the process pid: none for a zombie, a kernel
// thread, and in the middle of execve(2).
func cmdline(pid int) ([]string, error) {
	var buf [procBuffer]byte
	raw, err := readProc(procPath(pid, "cmdline"), buf[:])
	if err != nil {
		return nil, err
	}
	return splitCmdline(raw), nil
}

func stat(pid int) (Stat, error) {
	var buf [procBuffer]byte
	raw, err := readProc(procPath(pid, "stat"), buf[:])
	if err != nil {
		return Stat{}, err
	}
	return parseStat(raw)
}

func procPath(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// maxProc is the most that is read of a file of /proc, in bytes: as long as one
// argument can be (MAX_ARG_STRLEN, execve(2)). A process may point its own
// command line at all of its address space, prctl(2).
const maxProc = 128 << 10

// procBuffer is what most files of /proc fit in.
const procBuffer = 1024

// readProc reads a file of /proc into buf, or beyond it into a larger one: whole
// unless it is longer than maxProc. It spares what os.ReadFile does for files of a
// known size, and the second read where the first has left room: this runs for
// every instance, and all of what is read here is one record, which the kernel
// gives whole (seq_file of Linux, single_open).
func readProc(path string, buf []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	for err == unix.EINTR {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	for buf = buf[:0]; ; buf = append(buf, 0)[:len(buf)] {
		n, err := read(fd, buf[len(buf):cap(buf)])
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		buf = buf[:len(buf)+n]
		if n == 0 || len(buf) < cap(buf) || len(buf) >= maxProc {
			return buf[:min(len(buf), maxProc)], nil
		}
	}
}
