package server

import (
	"slices"
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

// TestNotifyNames: the names of all pidfiles can be bound, those of the longest paths included.
func TestNotifyNames(t *testing.T) {
	for n := 80; n < 130; n++ {
		s, err := listenNotify(notifyName("/" + strings.Repeat("x", n)))
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		s.close()
	}
}

// TestNotices: a message is read once, from those who are trusted, and no more than so many at a time.
func TestNotices(t *testing.T) {
	name := notifyName(t.TempDir())
	s, err := listenNotify(name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := listenNotify(name); err == nil || !strings.Contains(err.Error(), "is held by pid ") {
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
