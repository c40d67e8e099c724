package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// needsNamespaces skips a test of the harness where it cannot have namespaces of its own, and says why: who is not root has
// none, nor has root without CAP_SYS_ADMIN, or in a container that keeps /proc from being mounted.
func needsNamespaces(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for namespaces")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"=probe")
	cmd.SysProcAttr = newNamespaces()
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Skipf("no namespaces here, which take CAP_SYS_ADMIN: %v %s", err, bytes.TrimSpace(out.Bytes()))
	}
}

// newNamespaces are those that a part of the harness is in.
func newNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
}

// ownMounts gives the first process of new namespaces a /proc that is theirs.
func ownMounts() error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount of its own: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}
