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

// hungTranscripts are those with processes that nobody can read.
func hungTranscripts(t *testing.T) {
	t.Parallel()
	if !apart(t) {
		transcripts(t, "testdata/transcripts/hung")
	}
}

// apart runs a test with processes that nobody can read again, in namespaces of its own, and says that it did: whoever
// looks at all processes, as each mgr of another test that starts a server, would wait for these, too.
func apart(t *testing.T) bool {
	if os.Getenv(partVariable) == "case" {
		return false
	}
	needsNamespaces(t)
	if !mayMount(buildHung(t)) {
		t.Skip("no file system can be mounted that is a process")
	}
	cmd, out := alone(t.Name(), "-test.parallel=1")
	if err := runOnLeash(cmd); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return true
}

func buildHung(t *testing.T) string {
	hung := filepath.Join(t.TempDir(), "hung")
	build(t, hung, "./testdata/hung")
	return hung
}

// hang starts a process that nobody can read and writes its pidfile. It is let go of
// when the transcript ends.
func hang(ts *testscript.TestScript, _ bool, args []string) {
	pid, release, err := startHung(ts.Getenv("HUNG"), ts.MkAbs("hung"), args[1:]...)
	ts.Check(err)
	ts.Defer(release)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(pid), 0o644))
}

// startHung starts a process that nobody can read, with this command line. Its pid is a line.
func startHung(hung, dir string, argv ...string) (pid string, release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	cmd := hungCommand(hung, append([]string{dir, "1"}, argv...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	release = func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}
	if pid, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		release()
	}
	return pid, release, err
}
