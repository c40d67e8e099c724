package manager

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
	m := &Manager{Fleet: f, Console: NewConsole(io.Discard, io.Discard, Terminal{}), byInst: map[*server.Instance]*result{}}
	return m, servers[0].Instances[0], cmd
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
