package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// hungCommand is testdata/hung, in a mount namespace of its own.
func hungCommand(hung string, args ...string) *exec.Cmd {
	cmd := exec.Command(hung, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	return cmd
}

// mayMount says whether testdata/hung can do what it is for.
func mayMount(hung string) bool {
	dir, err := os.MkdirTemp("", "hung")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	return hungCommand(hung, dir, "0", "none").Run() == nil
}

// hungTranscripts are those with processes that nobody can read. They are in namespaces of their own, one after the
// other: whoever looks at all processes, as each mgr of another transcript that starts a server, waits for these, too.
func hungTranscripts(t *testing.T) {
	t.Parallel()
	if os.Getenv(partVariable) == "case" {
		transcripts(t, "testdata/transcripts/hung")
		return
	}
	needsNamespaces(t)
	hung := filepath.Join(t.TempDir(), "hung")
	build(t, hung, "./testdata/hung")
	if !mayMount(hung) {
		t.Skip("no file system can be mounted that is a process")
	}
	cmd, out := alone(t.Name(), "-test.parallel=1")
	if err := runOnLeash(cmd); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// hang starts a process that nobody can read and writes its pidfile. It is let go of
// when the transcript ends.
func hang(ts *testscript.TestScript, _ bool, args []string) {
	at := ts.MkAbs("hung")
	ts.Check(os.MkdirAll(at, 0o755))
	cmd := hungCommand(ts.Getenv("HUNG"), append([]string{at, "1"}, args[1:]...)...)
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	pid, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(pid), 0o644))
}
