package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A trap is a way in which a pidfile is hostile. Those of the form that no pidfile has are set with the pid of a lure: a
// process that is the very server, so that nothing but the form saves it.
type trap struct {
	name string
	lure bool
	set  func(w *world, path string, who *innocent) error
}

// texts are what hostile pidfiles hold, with PID for a lure's.
var texts = []string{
	"", "0", "1", "1\n", "-1", "-0", "-PID", "+PID", "--PID", " PID", "PID ", "\tPID", "\nPID", "PID\n\n", "PID\r\n", "PID\v",
	"0xHEX", "0XHEX\n", "0bPID", "0o17", "PID.0", "PIDe0", "PID_", "ARABIC", "FULLWIDTH\n", "SUPERSCRIPT", "PID\x00", "\x00PID",
	"PID\x00\n", "PID\nPID\n", "1\nPID", "PID\n-1\n", "PID PID", "PID,PID", "PID;PID", "pid=PID", "\"PID\"", "\ufeffPID", "PID\u00a0",
	"\u200bPID", "4194305", "2147483647", "2147483648", "-2147483648", "4294967295", "4294967297", "WRAP32", "WRAP32\n", "WRAP64",
	"9223372036854775807", "18446744073709551615", "99999999999999999999999999999999", "999999999999999999999999999999999999",
	"PID\n                                                                ", "$PID", "\x1b[2JPID", "\xff\xfePID",
}

// digits writes a number in other digits than ASCII's, which begin with zero.
func digits(n int, zero rune) string {
	return strings.Map(func(r rune) rune { return zero + r - '0' }, strconv.Itoa(n))
}

// superscripts are not in one row.
var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

func fill(text string, pid int) string {
	return strings.NewReplacer("PID", strconv.Itoa(pid), "HEX", strconv.FormatInt(int64(pid), 16),
		"ARABIC", digits(pid, '\u0660'), "FULLWIDTH", digits(pid, '\uff10'), "SUPERSCRIPT", superscripts.Replace(strconv.Itoa(pid)),
		"WRAP32", strconv.FormatInt(1<<32+int64(pid), 10), "WRAP64", fmt.Sprintf("1%019d", 8446744073709551616+uint64(pid))).Replace(text)
}

func write(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }

func writePID(_ *world, path string, who *innocent) error {
	return write(path, strconv.Itoa(who.pid)+"\n")
}

// traps are all the ways: by what holds the text, and by the text.
func traps() (kinds, forms []trap) {
	kinds = []trap{
		{"an innocent's pid", false, writePID},
		{"an innocent's pid, once more", false, func(_ *world, path string, who *innocent) error { return write(path, strconv.Itoa(who.pid)) }},
		{"leading zeros", false, func(_ *world, path string, who *innocent) error { return write(path, fmt.Sprintf("%07d", who.pid)) }},
		{"a pid, one byte of it changed", false, (*world).mutate},
		{"random bytes", false, (*world).scribble},
		{"mgr's parent", false, func(_ *world, path string, _ *innocent) error { return write(path, strconv.Itoa(os.Getpid())) }},
		{"a thread", false, threadTrap},
		{"a worker", true, func(w *world, path string, who *innocent) error {
			if len(who.members) < 2 {
				who = w.crowd[0]
			}
			return write(path, strconv.Itoa(who.members[len(who.members)-1].pid))
		}},
		{"nobody has the pid", false, func(_ *world, path string, _ *innocent) error { return write(path, "4194303\n") }},
		{"unreadable", false, func(w *world, path string, who *innocent) error {
			defer os.Chmod(path, 0)
			return writePID(w, path, who)
		}},
		{"of another user, naming root's process", true, func(w *world, path string, who *innocent) error {
			defer os.Lchown(path, nobody, nobody)
			return writePID(w, path, who)
		}},
		{"10 MB", true, func(_ *world, path string, who *innocent) error {
			defer os.Truncate(path, 10<<20)
			return write(path, strconv.Itoa(who.pid)+"\n")
		}},
		{"33 bytes", true, func(_ *world, path string, who *innocent) error { return write(path, fmt.Sprintf("%033d", who.pid)) }},
		{"a FIFO without a writer", true, func(_ *world, path string, _ *innocent) error { return unix.Mkfifo(path, 0o644) }},
		{"a FIFO with a writer", true, fifoTrap},
		{"a directory", true, func(_ *world, path string, _ *innocent) error { return os.Mkdir(path, 0o755) }},
		{"a directory with a pidfile", true, func(w *world, path string, who *innocent) error {
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			return writePID(w, filepath.Join(path, filepath.Base(path)), who)
		}},
		{"a socket", true, func(_ *world, path string, _ *innocent) error { return unix.Mknod(path, unix.S_IFSOCK|0o644, 0) }},
		{"a link outside", true, func(w *world, path string, who *innocent) error { return os.Symlink(w.outside(who), path) }},
		{"a relative link outside", true, func(w *world, path string, who *innocent) error {
			return os.Symlink("../../outside/"+filepath.Base(w.outside(who)), path)
		}},
		{"a link to another pidfile", true, func(w *world, path string, who *innocent) error {
			other := path + ".other.pid" // by its name it has a conf that there is not
			if err := writePID(w, other, who); err != nil {
				return err
			}
			return os.Symlink(filepath.Base(other), path)
		}},
		{"a dangling link", false, func(w *world, path string, _ *innocent) error { return os.Symlink(w.path("outside/made"), path) }},
		{"a link to itself", false, func(_ *world, path string, _ *innocent) error { return os.Symlink(filepath.Base(path), path) }},
		{"a link to a process", true, func(w *world, path string, who *innocent) error {
			return os.Symlink(fmt.Sprintf("/proc/%d/root%s", os.Getpid(), w.outside(who)), path)
		}},
		{"a hard link", true, func(w *world, path string, who *innocent) error { return os.Link(w.outside(who), path) }},
	}
	for device, number := range map[string][2]uint32{"null": {1, 3}, "zero": {1, 5}, "tty": {5, 0}, "console": {5, 1}, "a block device": {7, 250}} {
		mode := uint32(unix.S_IFCHR)
		if number[0] == 7 {
			mode = unix.S_IFBLK
		}
		kinds = append(kinds, trap{"device " + device, false, func(_ *world, path string, _ *innocent) error {
			return unix.Mknod(path, mode|0o644, int(unix.Mkdev(number[0], number[1])))
		}})
	}
	for _, text := range texts {
		forms = append(forms, trap{fmt.Sprintf("holds %q", text), true, func(_ *world, path string, who *innocent) error {
			return write(path, fill(text, who.pid))
		}})
	}
	return kinds, forms
}

// mutate changes one byte of a pid: any number comes of it, or none.
func (w *world) mutate(path string, who *innocent) error {
	text := []byte(strconv.Itoa(who.pid) + "\n")
	text[w.rnd.IntN(len(text))] = byte(w.rnd.Uint32())
	return write(path, string(text))
}

func (w *world) scribble(path string, _ *innocent) error {
	text := make([]byte, w.rnd.IntN(40))
	for i := range text {
		text[i] = byte(w.rnd.Uint32())
	}
	return write(path, string(text))
}

// threadTrap names a thread, which is no process.
func threadTrap(_ *world, path string, who *innocent) error {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", who.members[len(who.members)-1].pid))
	return write(path, filepath.Base(append(threads, "0")[max(len(threads)-1, 0)]))
}

func fifoTrap(w *world, path string, who *innocent) error {
	if err := unix.Mkfifo(path, 0o644); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	w.held = append(w.held, f)
	_, err = fmt.Fprintln(f, who.pid)
	return err
}

// lay makes a run directory with a trap for every conf. It says which pidfiles hold an innocent's pid, and whether the
// directory is nobody's.
func (w *world) lay() (about map[int][]string, foreign bool, err error) {
	run, owner, linked := w.path("run"), 0, ""
	if foreign = w.rnd.IntN(3) == 0; foreign {
		owner = nobody
	}
	about, w.laid = map[int][]string{}, nil
	errs := []error{os.RemoveAll(run), os.Mkdir(run, 0o755), os.Chown(run, owner, owner)}
	if w.rnd.IntN(8) == 0 {
		linked = "container-server"
		errs = append(errs, os.Symlink(w.path("outside/dir"), filepath.Join(run, linked)))
	}
	switch lock := filepath.Join(run, ".mgr.lock"); w.rnd.IntN(16) {
	case 0:
		errs = append(errs, os.Symlink(w.path("outside/keep"), lock))
	case 1:
		errs = append(errs, os.Symlink(w.path("outside/made"), lock))
	case 2:
		errs = append(errs, unix.Mkfifo(lock, 0o644))
	case 3:
		errs = append(errs, os.Mkdir(lock, 0o755))
	}
	for _, program := range mainPrograms {
		if program == linked {
			continue
		}
		errs = append(errs, os.Mkdir(filepath.Join(run, program), 0o755), os.Chown(filepath.Join(run, program), owner, owner))
		for k := 1; k <= confsEach; k++ {
			t, name := w.kinds[w.rnd.IntN(len(w.kinds))], fmt.Sprintf("%s/%d.pid", program, k)
			if w.rnd.IntN(3) == 0 {
				t = w.forms[w.rnd.IntN(len(w.forms))]
			}
			who := w.crowd[w.rnd.IntN(len(w.crowd))]
			if lure := w.lures[name]; t.lure && lure != nil {
				who = lure
			}
			for _, m := range who.members {
				about[m.pid] = append(about[m.pid], name+": "+t.name)
			}
			path := filepath.Join(run, name)
			if err := t.set(w, path, who); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", t.name, err))
			}
			w.laid = append(w.laid, path)
		}
	}
	return about, foreign, errors.Join(errs...)
}

// churn makes some of the pidfiles change, again and again, in place and by rename, until stop: to an innocent's pid, to
// half of it, to a link, to a FIFO. What fails meets what mgr does at the same time.
func (w *world) churn() (stop func()) {
	rnd, quit, done := rand.New(rand.NewPCG(w.Seed, w.rnd.Uint64())), make(chan bool), make(chan bool)
	paths, crowd := []string{}, slices.Clone(w.crowd)
	for range 3 {
		paths = append(paths, w.laid[w.rnd.IntN(len(w.laid))])
	}
	outside := w.outside(crowd[0])
	go func() { // it is the others, who write while mgr reads
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
			}
			path, next, who := paths[rnd.IntN(len(paths))], w.path("log/next"), crowd[rnd.IntN(len(crowd))]
			_ = os.Remove(next)
			switch rnd.IntN(6) {
			case 0, 1:
				var st unix.Stat_t
				if unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 1 {
					rewrite(path, strconv.Itoa(who.pid))
				}
				continue
			case 2, 3:
				_ = write(next, strconv.Itoa(who.pid))
			case 4:
				_ = os.Symlink(outside, next)
			case 5:
				_ = unix.Mkfifo(next, 0o644)
			}
			_ = os.Rename(next, path)
		}
	}()
	return func() { close(quit); <-done }
}

// rewrite writes a file in place, one byte after the other, and through no link.
func rewrite(path, text string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	for i := range len(text) {
		_, _ = f.WriteString(text[i : i+1])
	}
}
