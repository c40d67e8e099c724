package logtail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// patience is the deadline of whatever a test waits for.
const patience = 20 * time.Second

// A tester follows logs below a directory and hears their lines.
type tester struct {
	t     *testing.T
	top   string
	f     *Follower
	heard []string
}

func newTester(t *testing.T) *tester {
	t.Helper()
	x := &tester{t: t, top: t.TempDir()}
	var err error
	x.f, err = NewFollower(func(key int, line []byte) { x.heard = append(x.heard, fmt.Sprintf("%d %s", key, line)) })
	check(t, err)
	return x
}

func (x *tester) path(name string) string { return filepath.Join(x.top, name) }

// add follows a log, which is there or is not.
func (x *tester) add(name string, key, n int) error {
	x.t.Helper()
	missing, err := x.f.Add(Log{Path: x.path(name)}, key, n)
	check(x.t, err)
	return missing
}

// write appends to a file, which it makes if need be.
func (x *tester) write(name, text string) {
	x.t.Helper()
	f, err := os.OpenFile(x.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	check(x.t, err)
	_, err = f.WriteString(text)
	check(x.t, errors.Join(err, f.Close()))
}

// hears waits until these lines were heard, and no others.
func (x *tester) hears(want ...string) {
	x.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		more, err := x.f.Step()
		check(x.t, err)
		if more {
			continue
		}
		if len(x.heard) >= len(want) || time.Now().After(deadline) {
			break
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(x.f.FD()), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds()))
	}
	if diff := cmp.Diff(want, x.heard); diff != "" {
		x.t.Fatalf("(-want +got)\n%s", diff)
	}
	x.heard = nil
}

// TestFollow: whatever becomes of a file, its name is followed, and no line is lost or
// comes twice.
func TestFollow(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	check(t, os.Mkdir(x.path("d"), 0o755))
	x.write("d/a", "1\n2\n3\n4")
	check(t, x.add("d/a", 0, 2))
	x.hears("0 3")
	x.write("d/a", " four\n5\n")
	x.hears("0 4 four", "0 5")

	// Renamed, and written to by who does not know yet; then another has the name.
	check(t, os.Rename(x.path("d/a"), x.path("d/a.1")))
	x.write("d/a.1", "6\n")
	x.hears("0 6")
	x.write("d/a", "7\n")
	x.hears("0 7")
	x.write("d/a.1", "8, late\n")
	x.hears("0 8, late")
	x.write("d/a", "9\n")
	x.hears("0 9")

	// Truncated, as copytruncate does, and with less in it than before.
	check(t, os.Truncate(x.path("d/a"), 0))
	x.hears()
	x.write("d/a", "10\n")
	x.hears("0 10")

	// Removed and made anew; another file moved over it.
	check(t, os.Remove(x.path("d/a")))
	x.write("d/a", "11\n")
	x.hears("0 11")
	x.write("d/new", "12\n")
	check(t, os.Rename(x.path("d/new"), x.path("d/a")))
	x.hears("0 12")

	// Its directory is removed, is made anew, is moved away.
	check(t, os.RemoveAll(x.path("d")))
	x.hears()
	check(t, os.Mkdir(x.path("d"), 0o755))
	x.write("d/a", "13\n")
	x.hears("0 13")
	check(t, os.Rename(x.path("d"), x.path("e")))
	x.write("e/a", "14\n")
	x.hears("0 14")
	check(t, os.MkdirAll(x.path("d"), 0o755))
	x.write("d/a", "15\n")
	x.hears("0 15")
}

// TestFollowAwaited: what is not there yet, nor the directories on the way to it, is
// read from its beginning once it is.
func TestFollowAwaited(t *testing.T) {
	x := newTester(t)
	if missing := x.add("a/b/c.log", 7, 2); !errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("missing: %v", missing)
	}
	x.hears()
	check(t, os.Mkdir(x.path("a"), 0o755))
	x.hears()
	check(t, os.Mkdir(x.path("a/b"), 0o755))
	x.write("a/b/c.log", "1\n2\n3\nno end")
	x.hears("7 1", "7 2", "7 3")
	x.f.Close()
	if diff := cmp.Diff([]string{"7 no end"}, x.heard); diff != "" {
		t.Errorf("at the end (-want +got)\n%s", diff)
	}
}

// TestFollowLink: a link on the way is followed to where it leads by then.
func TestFollowLink(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	for _, dir := range []string{"one", "two"} {
		check(t, os.Mkdir(x.path(dir), 0o755))
		x.write(dir+"/x.log", "in "+dir+"\n")
	}
	check(t, os.Symlink("one", x.path("current")))
	check(t, x.add("current/x.log", 0, 5))
	x.hears("0 in one")
	check(t, os.Symlink("two", x.path("next")))
	check(t, os.Rename(x.path("next"), x.path("current")))
	x.hears("0 in two")
}

// TestFollowHeld: a file that has lost its name, and whose name is another's.
func TestFollowHeld(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	x.write("a", "1\n2\n")
	f, err := os.Open(x.path("a"))
	check(t, err)
	check(t, os.Rename(x.path("a"), x.path("b")))
	x.write("a", "another\n")
	_, err = x.f.Add(Log{Path: x.path("a"), File: f, Held: true}, 0, 1)
	check(t, err)
	x.hears("0 2")
	x.write("a", "another\n")
	x.write("b", "3\n")
	x.hears("0 3")
	check(t, os.Remove(x.path("b")))
	x.hears()
}

// TestFollowNoFile: something else than a file has the name for a while.
func TestFollowNoFile(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	var trouble []string
	x.f.Trouble = func(key int, err error) { trouble = append(trouble, fmt.Sprint(key, " ", err)) }
	check(t, unix.Mkfifo(x.path("a"), 0o600))
	if missing := x.add("a", 0, 1); missing == nil || errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("a FIFO: %v", missing)
	}
	x.hears()
	check(t, os.Remove(x.path("a")))
	check(t, os.Mkdir(x.path("a"), 0o755))
	x.hears()
	check(t, os.Remove(x.path("a")))
	x.write("a", "1\n")
	x.hears("0 1")
	want := []string{"0 open " + x.path("a") + ": a directory, no file"}
	if diff := cmp.Diff(want, trouble); diff != "" {
		t.Errorf("trouble (-want +got)\n%s", diff)
	}
}

// TestFollowScarce: no file is passed over for want of descriptors.
func TestFollowScarce(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	x.write("a", "")
	check(t, x.add("a", 0, 1))
	check(t, os.Rename(x.path("a"), x.path("b")))
	x.write("a", "1\n")
	var before unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}))
	_, err := x.f.Step()
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before))
	if !errors.Is(err, unix.EMFILE) {
		t.Errorf("got %v", err)
	}
}

// TestFollowMany: two logs, one of them much at once, and one file that is two logs.
func TestFollowMany(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	x.write("a", "")
	x.write("b", "")
	check(t, x.add("a", 0, 5))
	check(t, x.add("b", 1, 5))
	check(t, x.add("b", 2, 5))
	var want []string
	var text strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&text, "line %d of very many\n", n)
		want = append(want, fmt.Sprintf("0 line %d of very many", n))
	}
	x.write("a", text.String())
	x.write("b", "b\n")
	for deadline := time.Now().Add(patience); len(x.heard) < len(want)+2 && time.Now().Before(deadline); {
		_, err := x.f.Step()
		check(t, err)
	}
	at := slices.Index(x.heard, "1 b")
	if at < 0 || at > len(want)-1 || x.heard[at+1] != "2 b" {
		t.Fatalf("of the other log it hears at %d", at)
	}
	if diff := cmp.Diff(want, slices.Delete(x.heard, at, at+2)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestFollowMuch: who makes files beside a log without a pause is not listened to
// without one, and no news of the log is lost for it.
func TestFollowMuch(t *testing.T) {
	x := newTester(t)
	defer x.f.Close()
	x.write("a", "")
	check(t, x.add("a", 0, 1))
	x.hears()
	for range 1500 {
		beside := strings.Repeat("x", 200) // of which little is read at once
		x.write(beside, "")
		check(t, os.Remove(x.path(beside)))
	}
	x.write("a", "1\n")
	_, err := x.f.Step()
	check(t, err)
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(x.f.FD()), Events: unix.POLLIN}}, 0); n != 1 {
		t.Errorf("all was read at once: %d, %v", n, err)
	}
	x.hears("0 1")
}
