package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAttend interrupts a process whose main thread waits for what does not come, and cannot be woken: it hears that,
// and ends at the second time, and by no signal that has Go print stacks.
func TestAttend(t *testing.T) {
	if apart(t) {
		return
	}
	pid, release, err := startHung(buildHung(t), t.TempDir(), "web")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for sig, by := range map[syscall.Signal]syscall.Signal{unix.SIGINT: unix.SIGINT, unix.SIGQUIT: unix.SIGTERM} {
		t.Run(unix.SignalName(sig), func(t *testing.T) { interruptDeaf(t, strings.TrimSpace(pid), sig, by) })
	}
}

// interruptDeaf sends sig twice to a process that reads of pid, which hangs: it ends by the signal by.
func interruptDeaf(t *testing.T, pid string, sig, by syscall.Signal) {
	cmd := exec.Command("/proc/self/exe", pid)
	cmd.Env = append(os.Environ(), roleEnv+"=deaf", "GODEBUG=asyncpreemptoff=1") // whose signal may wait there: others hear then
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	lines := bufio.NewReader(out)
	for _, want := range []string{"reads\n", "interrupted by " + unix.SignalName(sig) + "\n"} {
		if got, err := lines.ReadString('\n'); got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		awaitHang(cmd.Process.Pid)
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != by {
		t.Errorf("it ended with %v, not by %v", err, by)
	}
}

// awaitHang waits until the main thread of a process waits for what does not come, or has ended. Nobody tells when: it is
// seen to wait all the time, since for a moment it may do so for the lock of its own memory.
func awaitHang(pid int) {
	for looks := 0; looks < 20; looks++ {
		time.Sleep(time.Millisecond)
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		switch {
		case bytes.Contains(status, []byte("State:\tZ")):
			return
		case !bytes.Contains(status, []byte("State:\tD")):
			looks = 0
		}
	}
}

// beDeaf is a process whose main thread reads of another that hangs.
func beDeaf() error {
	runtime.LockOSThread()
	if unix.Gettid() != os.Getpid() {
		return errors.New("not the main thread")
	}
	ctx, _ := interruptible()
	go func() {
		<-ctx.Done()
		fmt.Println(context.Cause(ctx))
	}()
	fmt.Println("reads")
	_, err := os.ReadFile("/proc/" + os.Args[1] + "/cmdline")
	return err
}
