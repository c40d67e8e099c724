package main

import (
	"bufio"
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
	cmd.Env = append(os.Environ(), roleEnv+"=deaf")
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
		if err := cmd.Process.Signal(unix.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != unix.SIGINT {
		t.Errorf("it ended with %v, not by SIGINT", err)
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
