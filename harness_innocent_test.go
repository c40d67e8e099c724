package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// An innocent is a process that nobody may signal, or several of them. Every signal is blocked there from before its first
// instruction, so that what it is sent stays pending, to be read in /proc: nothing is missed. What cannot be blocked (KILL
// and STOP; and HUP, INT, QUIT and TERM, which Go's runtime unblocks) ends or stops it, which shows there too.
type innocent struct {
	what    string // in words
	pid     int    // of the first process, which may have ended
	members []member
}

// A member is one process of an innocent.
type member struct {
	pid    int
	status *os.File // its /proc/PID/status: it is never a successor's
}

// likeness is what a new innocent looks like.
type likeness struct {
	argv     []string
	uid      uint32
	children int
	sessions bool // the children lead sessions of their own
	orphaned bool // the first process ends: its number lives on as that of a group
}

// beInnocent starts the children and says their pids. It ends with its stdin.
func beInnocent() error {
	n, _ := strconv.Atoi(os.Getenv(childrenEnv))
	_, sessions := os.LookupEnv(sessionEnv)
	os.Unsetenv(childrenEnv)
	for range n {
		p, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
			Env: os.Environ(), Files: []*os.File{os.Stdin}, Sys: &syscall.SysProcAttr{Setsid: sessions}})
		if err != nil {
			return err
		}
		fmt.Println(p.Pid)
	}
	os.Stdout.Close()
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// blocked starts an innocent's first process: it is told apart from another's by nothing but its number until exec.
func (w *world) blocked(l likeness, stdout *os.File) (*os.Process, error) {
	runtime.LockOSThread() // the mask is a thread's, and a child's is its parent's
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return nil, err
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	env := []string{roleEnv + "=innocent", childrenEnv + "=" + strconv.Itoa(l.children)}
	if l.sessions {
		env = append(env, sessionEnv+"=")
	}
	return os.StartProcess("/proc/self/exe", l.argv, &os.ProcAttr{
		Dir: "/", Env: env, Files: []*os.File{w.leash, stdout, os.Stderr},
		Sys: &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: l.uid, Gid: l.uid}}})
}

// spawn makes an innocent, children and all.
func (w *world) spawn(what string, l likeness) (*innocent, error) {
	pipe, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer pipe.Close()
	p, err := w.blocked(l, stdout)
	stdout.Close()
	if err != nil {
		return nil, err
	}
	in, err := w.adopt(what, p, pipe)
	if err != nil || !l.orphaned {
		return in, err
	}
	in.members[0].status.Close()
	in.members = in.members[1:]
	if err := p.Kill(); err != nil {
		return nil, err
	}
	_, err = p.Wait()
	return in, err
}

// adopt makes an innocent of a process that was started as one and says its children on the pipe.
func (w *world) adopt(what string, p *os.Process, pipe io.Reader) (*innocent, error) {
	in := &innocent{what: what, pid: p.Pid}
	if err := in.add(p.Pid); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			return nil, err
		}
		if err := in.add(pid); err != nil {
			return nil, err
		}
	}
	w.innocents = append(w.innocents, in)
	return in, nil
}

func (in *innocent) add(pid int) error {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	in.members = append(in.members, member{pid, status})
	return err
}

// harm says what was done to an innocent, "" for nothing.
func (in *innocent) harm() string {
	var harm []string
	for _, m := range in.members {
		still, done := false, ""
		for !still && done == "" {
			still = isStill(m.pid) // what it is sent while it runs may be on its way to end it
			done = m.harm()
		}
		if done != "" {
			harm = append(harm, fmt.Sprintf("pid %d %s", m.pid, done))
		}
	}
	return strings.Join(harm, ", ")
}

func (m member) harm() string {
	text := make([]byte, 8192)
	n, err := m.status.ReadAt(text, 0)
	if err != nil && err != io.EOF { // ESRCH: it was reaped
		return "has died"
	}
	for line := range strings.Lines(string(text[:n])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if name == "State" && strings.ContainsAny(value[:1], "TZX") || name == "ShdPnd" && strings.Trim(value, "0") != "" {
			return "has " + name + " " + value
		}
	}
	return ""
}

// isStill says whether every thread of a process sleeps.
func isStill(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range threads {
		stat, _ := os.ReadFile(name)
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		if !bytes.HasPrefix(rest, []byte("S")) {
			return false
		}
	}
	return len(threads) > 0
}

// dismiss ends an innocent.
func (w *world) dismiss(in *innocent) {
	w.innocents = slices.DeleteFunc(w.innocents, func(other *innocent) bool { return other == in })
	for _, m := range in.members {
		m.status.Close()
	}
}

// sweep ends every process of the namespace but this one, the first one and innocents, and reaps what has ended.
func (w *world) sweep() error {
	keep := map[int]bool{1: true, os.Getpid(): true}
	for _, in := range w.innocents {
		for _, m := range in.members {
			keep[m.pid] = true
		}
	}
	for {
		names, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			return err
		}
		ended := 0
		for _, name := range names {
			pid, _ := strconv.Atoi(filepath.Base(name))
			if keep[pid] {
				continue
			}
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				continue // it has ended meanwhile
			}
			p := &process{pid, fd}
			if p.alive() {
				ended++
			}
			err = p.kill()
			p.close()
			if err != nil {
				return err
			}
		}
		for pid := 1; pid > 0; {
			pid, _ = unix.Wait4(-1, nil, unix.WNOHANG, nil)
		}
		if ended == 0 {
			return nil
		}
	}
}
