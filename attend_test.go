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
// and ends at the second time.
func TestAttend(t *testing.T) {
	if apart(t) {
		return
	}
	pid, release, err := startHung(buildHung(t), t.TempDir(), "web")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	cmd := exec.Command("/proc/self/exe", strings.TrimSpace(pid))
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
	for _, want := range []string{"reads\n", "interrupted by SIGINT\n"} {
		if got, err := lines.ReadString('\n'); got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		awaitHang(cmd.Process.Pid)
		if err := cmd.Process.Signal(unix.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != unix.SIGINT {
		t.Errorf("it ended with %v, not by SIGINT", err)
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
