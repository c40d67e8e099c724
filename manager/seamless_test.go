package manager

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// sleeper starts a server of a program that lives for a minute, and gives its instance.
func sleeper(t *testing.T) (*Manager, *server.Instance, *exec.Cmd) {
	t.Helper()
	profile, err := aliases.Parse(aliases.Source{}, []byte("[program:sleep]\ncommand = sleep 60\nstartsecs = 5\nseamlesssignal = USR1\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := &server.Fleet{Profile: profile, RunDir: t.TempDir()}
	t.Cleanup(f.Close)
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if err := os.WriteFile(filepath.Join(f.RunDir, "sleep.pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		t.Fatal(err)
	}
	servers, err := f.Servers([]*aliases.Target{aliases.Whole(profile.Programs[0])}, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{Fleet: f, Console: NewConsole(io.Discard, io.Discard, Terminal{}), byInst: map[*server.Instance]*result{}, warned: map[string]bool{}}
	return m, servers[0].Instances[0], cmd
}

// TestUnseen: of servers that are not signalled, since nobody could see how it goes on,
// that is said, and not that none runs.
func TestUnseen(t *testing.T) {
	m, i, _ := sleeper(t)
	var out, errs bytes.Buffer
	m.Console = NewConsole(&out, &errs, Terminal{})
	r := &reloading{m: m, ctx: t.Context()}
	r.signals = m.newSignals(r.begin)
	r.unseen([]*server.Instance{i}, unix.EMFILE)
	status := r.signals.status(t.Context(), []*server.Server{{Program: i.Program, Instances: []*server.Instance{i}}})
	m.Console.Flush()
	if status != Failed || out.Len() > 0 || strings.Count(errs.String(), "mgr: ") != 1 || !strings.Contains(errs.String(), "sleep ("+i.Pidfile+"): not signalled") {
		t.Errorf("status %d, stdout %q, stderr %q", status, out.String(), errs.String())
	}
}

// TestJudgeUnseen: of a server whose image the kernel does not show it counts that it
// lives on, as of one that was told to read its conf anew, and not what is seen at once.
func TestJudgeUnseen(t *testing.T) {
	m, i, cmd := sleeper(t)
	p, err := pidfile.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	judge := func(begun time.Time) (over, ok bool) {
		return m.judgeReexec(&server.Reexec{Instance: i, Process: p, Begun: begun}, nil)
	}
	if over, _ := judge(time.Now()); over {
		t.Error("it was signalled just now, and is through")
	}
	begun := time.Now().Add(-time.Hour).Truncate(time.Second)
	if over, ok := judge(begun); !over || !ok {
		t.Errorf("it has lived on: got %t, %t", over, ok)
	}
	if st, err := os.Stat(i.Pidfile); err != nil || !st.ModTime().Equal(begun) {
		t.Errorf("that it was told is not taken down: got %v, %v, want %v", st.ModTime(), err, begun)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if over, ok := judge(time.Now()); !over || ok {
		t.Errorf("it has died: got %t, %t", over, ok)
	}
}
