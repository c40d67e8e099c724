// Command hung starts processes of which nothing can be read that takes the lock of their memory, mmap_lock: the kernel
// keeps who reads their command line waiting for ever. Tests run it.
//
//	hung DIR NUMBER WORD...
//
// starts NUMBER of them, with these words as their command line. It mounts at DIR a file system (FUSE) that answers for
// one file, but never for what is in it. Each process maps that file, reads of it through /proc/self/mem, which waits
// with the lock held, and maps something else, which waits for the lock: whoever wants it from then on waits behind that.
// It prints their pids, a line each, as soon as they hang, and lets go of all when its standard input ends, or after
// some minutes. It is to be started in a mount namespace of its own, so that nothing is left of the mount.
//
// It ends with status 77 where it may not do so.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mark is the variable that tells a process that is to hang, and the file that it is to hang on.
const mark = "HUNG_FILE"

// notPermitted is the exit status where there is no FUSE for the caller.
const notPermitted = 77

// patience is the longest that is waited for a process to hang.
const patience = 20 * time.Second

// leash is the longest that they hang.
const leash = 3 * time.Minute

func main() {
	if file := os.Getenv(mark); file != "" {
		fail("hang", hang(file))
	}
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: hung DIR NUMBER WORD...")
		os.Exit(2)
	}
	number, err := strconv.Atoi(os.Args[2])
	fail("number", err)
	dir := os.Args[1]
	fs, err := mount(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hung:", err)
		os.Exit(notPermitted)
	}
	go fs.serve() // for as long as the process is there
	for n := range number {
		pid, err := victim(fs, n+1, os.Args[3:])
		if err != nil {
			fs.unmount()
			fail("start", err)
		}
		fmt.Println(pid)
	}
	released := time.AfterFunc(leash, func() { os.Exit(1) }) // whoever hangs on them has failed by then
	_, _ = io.Copy(io.Discard, os.Stdin)
	released.Stop()
	fs.unmount() // the end of this process then ends all waiting
}

func fail(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "hung: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// victim starts a process that hangs on the file of that number, and waits until it does.
func victim(fs *filesystem, number int, argv []string) (int, error) {
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: argv, Env: []string{mark + "=" + fs.path(number)}, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go cmd.Wait() // reaps it: one that is killed is not to be a zombie
	deadline := time.After(patience)
	select {
	case <-fs.reads:
	case <-deadline:
		return 0, errors.New("it reads nothing")
	}
	for tick := time.Tick(time.Millisecond); ; { // the kernel tells nobody who waits for a lock
		if waits(cmd.Process.Pid) {
			return cmd.Process.Pid, nil
		}
		select {
		case <-tick:
		case <-deadline:
			return 0, errors.New("it does not hang")
		}
	}
}

// waits says whether a thread of the process waits for what only the kernel can give it: state D, proc_pid_stat(5).
func waits(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return slices.ContainsFunc(stats, func(path string) bool {
		stat, _ := os.ReadFile(path)
		at := bytes.LastIndexByte(stat, ')')
		return at > 0 && bytes.HasPrefix(stat[at:], []byte(") D"))
	})
}

// hang does not return but with an error.
func hang(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	mapped, err := unix.Mmap(int(file.Fd()), 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return err
	}
	go func() { // a thread of its own, for it does not come back before all is over
		_, _ = mem.ReadAt(make([]byte, 1), address(mapped))
		os.Exit(0)
	}()
	for { // nothing tells when the other thread has the lock, so until this one does not come back
		m, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			return err
		}
		_ = unix.Munmap(m)
		time.Sleep(time.Millisecond)
	}
}
