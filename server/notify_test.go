package server

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestParseNotice(t *testing.T) {
	for message, want := range map[string]notice{
		"READY=1":                          {Ready: true},
		"STATUS=up\nREADY=1\n":             {Ready: true, Status: "up"},
		"RELOADING=1\nMONOTONIC_USEC=7":    {Reloading: true},
		"ERRNO=22\nSTATUS=a=b":             {Failed: true, Status: "a=b"},
		"ERRNO=0\nREADY=0\nSTOPPING=1":     {},
		"READY=11\n READY=1\nXREADY=1\n\n": {},
		"":                                 {},
	} {
		if diff := cmp.Diff(want, parseNotice(message)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", message, diff)
		}
	}
}

// TestNotifyNames: the names of all pidfiles can be bound, those of the longest paths included, and be told again.
func TestNotifyNames(t *testing.T) {
	for n := 60; n < 130; n++ {
		path := "/" + strings.Repeat("x", n)
		other, err := otherName(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{notifyName(path, ""), other} {
			s, err := listenNotify(nil, name)
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			s.close()
			if !isNotifyName(name, path) {
				t.Errorf("%d bytes: %q is not known again", n, name)
			}
		}
	}
}

// TestForeignNotifyNames: a server makes mgr listen nowhere else.
func TestForeignNotifyNames(t *testing.T) {
	const nonce = "#0123456789abcdef"
	for name, want := range map[string]bool{
		"@mgr/notify/run/web.pid":                  true,
		"@mgr/notify/run/web.pid" + nonce:          true,
		"@mgr/notify/run/web.pid#0123456789abcdeg": false,
		"@mgr/notify/run/web.pid#0123456789abcd":   false,
		"@mgr/notify/run/web.pid0#123456789abcdef": false,
		"@mgr/notify/run/web.pid" + nonce + nonce:  false,
		"@mgr/notify/run/other.pid":                false,
		"@mgr/notify/run/other.pid" + nonce:        false,
		"/run/systemd/notify":                      false,
		"@swift-notifications@17":                  false,
		nonce:                                      false,
		"#":                                        false,
		"":                                         false,
	} {
		if got := isNotifyName(name, "/run/web.pid"); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// TestListenElsewhere: whoever looks as if he gave up his name soon keeps many servers from their start no
// longer than one. Here that is the test itself, which has the executable of mgr.
func TestListenElsewhere(t *testing.T) {
	const before = passingWait - 2*passingPause
	f := &Fleet{waited: before}
	for n := range 3 {
		c := &Child{Instance: &Instance{Pidfile: filepath.Join(t.TempDir(), strconv.Itoa(n)), fleet: f}}
		first, err := listenNotify(nil, notifyName(c.Instance.Pidfile, ""))
		if err != nil {
			t.Fatal(err)
		}
		defer first.close()
		name, err := c.listen()
		if err != nil || c.Elsewhere == nil {
			t.Fatalf("%v, elsewhere because of %v", err, c.Elsewhere)
		}
		defer c.StopListening()
		if _, err := listenNotify(nil, name); err == nil || !isNotifyName(name, c.Instance.Pidfile) {
			t.Errorf("nobody listens at %q, or it is no name of the server's", name)
		}
	}
	if f.waited < passingWait {
		t.Errorf("%v of waiting are left", passingWait-f.waited)
	}
}

// TestNotices: a message is read once, from those who are trusted, and no more than so many at a time.
func TestNotices(t *testing.T) {
	name := notifyName(t.TempDir(), "")
	s, err := listenNotify(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := listenNotify(nil, name); err == nil || !strings.Contains(err.Error(), "is held by pid ") {
		t.Errorf("bound twice: %v", err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, trust := range []bool{false, true} {
		if err := unix.Sendto(fd, []byte("READY=1"), 0, &unix.SockaddrUnix{Name: name}); err != nil {
			t.Fatal(err)
		}
		got := s.read(func(cred *unix.Ucred) bool { return trust && int(cred.Pid) == unix.Getpid() })
		if ready := len(got) == 1 && got[0].Ready; ready != trust {
			t.Errorf("trusted %v: got %v", trust, got)
		}
	}
	if got := s.read(func(*unix.Ucred) bool { return true }); len(got) > 0 {
		t.Errorf("read again: %v", got)
	}
}

// FuzzParseNotice: nothing but a line READY=1 is one.
func FuzzParseNotice(f *testing.F) {
	for _, seed := range []string{"READY=1", "RELOADING=1\nMONOTONIC_USEC=7\n", "ERRNO=22\nSTATUS=x=y", "READY=1\x00", "=\n=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		n := parseNotice(message)
		if line := slices.Contains(strings.Split(message, "\n"), "READY=1"); n.Ready != line {
			t.Errorf("%q: %+v", message, n)
		}
	})
}
