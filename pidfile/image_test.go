package pidfile

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseImage(t *testing.T) {
	fields := strings.Fields("S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 CODE END STACK 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 ARGS 46 ENV 48 49")
	stat := func(tail []string) []byte { return []byte("812 (a) b) " + strings.Join(tail, " ")) }
	for _, tt := range []struct {
		raw  []byte
		want Image
	}{
		{stat(fields), "CODE STACK ARGS ENV"},
		{stat(fields[:48]), "CODE STACK ARGS ENV"},
		{stat(fields[:47]), ""},
		{[]byte(strings.Replace(string(stat(fields)), "STACK", "0", 1)), ""}, // not shown to the caller
		{[]byte("812"), ""},
		{nil, ""},
	} {
		if got := parseImage(tt.raw); got != tt.want {
			t.Errorf("parseImage(%q) = %q, want %q", tt.raw, got, tt.want)
		}
	}
}

// TestImageOf tells an execve(2) under one pid.
func TestImageOf(t *testing.T) {
	d := start(t, "impostor", serverArgv)
	before := ImageOf(d.pid())
	if before == "" || ImageOf(d.pid()) != before {
		t.Errorf("not steady: %q", before)
	}
	d.tell("")
	if line := d.line(); line != "ready" {
		t.Fatal(line)
	}
	if after := ImageOf(d.pid()); after == "" || after == before {
		t.Errorf("%q after %q", after, before)
	}
	if got := ImageOf(maxPID); got != "" {
		t.Errorf("of nobody: %q", got)
	}
}

// TestDup closes one of two handles on a process.
func TestDup(t *testing.T) {
	p := handle(t, start(t, "good", serverArgv).pid())
	q, err := p.Dup()
	check(t, err)
	q.Close()
	check(t, p.Signal(0))
	if _, err := q.Dup(); !errors.Is(err, unix.EBADF) {
		t.Errorf("a closed handle: %v", err)
	}
}

func TestUID(t *testing.T) {
	if uid, err := UID(start(t, "good", serverArgv).pid()); int(uid) != os.Geteuid() || err != nil {
		t.Errorf("ours: %d, %v", uid, err)
	}
	if _, err := UID(maxPID); !os.IsNotExist(err) {
		t.Errorf("nobody's: %v", err)
	}
	needRoot(t)
	d := start(t, "good", serverArgv, asNobody, func(c *exec.Cmd) { c.SysProcAttr.Setsid = true })
	if uid, err := UID(d.pid()); err != nil || uid != nobody && uid != 0 { // root's if it cannot be dumped, proc(5)
		t.Errorf("nobody's: %d, %v", uid, err)
	}
}
