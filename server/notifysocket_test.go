package server

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lingering gives a file whose last close waits for the time given, or longer: the end of a connection that has not
// sent all that it has, since nobody reads at the other end.
func lingering(t *testing.T, wait time.Duration) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() }) // which ends all waiting
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd := int(f.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := unix.Write(fd, make([]byte, 64<<10)); err != nil {
			break
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil { // or its close does not wait
		t.Fatal(err)
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(wait / time.Second)}); err != nil {
		t.Fatal(err)
	}
	kept, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// sendFile sends a message with a file, of which nobody has a descriptor then.
func sendFile(t *testing.T, name, text string, fd int) {
	t.Helper()
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	if err := unix.Sendmsg(s, []byte(text), unix.UnixRights(fd), &unix.SockaddrUnix{Name: name}, 0); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// everybody trusts any sender.
func everybody(*unix.Ucred) bool { return true }

// within fails unless f comes back soon, whatever has been sent.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	over := make(chan struct{})
	go func() { f(); close(over) }()
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatalf("%s does not come back", what)
	}
}

// TestFilesSent: files that are sent along are not taken but closed, and a close that waits keeps nobody waiting: neither
// who reads, nor who gives up the name.
func TestFilesSent(t *testing.T) {
	name := notifyName(t.TempDir(), "")
	s, err := listenNotify(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	var barrier [2]int // sd_notify_barrier(3): who reads there waits for the close of what he sent
	if err := unix.Pipe2(barrier[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	pipe := os.NewFile(uintptr(barrier[0]), "barrier")
	defer pipe.Close()
	stuck := []int{lingering(t, 10*patience), lingering(t, 10*patience)}
	before := openFiles(t)
	sendFile(t, name, "STATUS=stuck", stuck[0])
	sendFile(t, name, "BARRIER=1", barrier[1])
	within(t, "read", func() {
		if s.ready(everybody) {
			t.Error("ready, though nobody said so")
		}
	})
	within(t, "the barrier", func() { _, _ = pipe.Read(make([]byte, 1)) })
	sendFile(t, name, "READY=1", stuck[1])
	within(t, "close", s.close)
	if after := openFiles(t); after > before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

// TestCloseUnread: nor does what nobody has read keep who gives up the name waiting.
func TestCloseUnread(t *testing.T) {
	name := notifyName(t.TempDir(), "")
	s, err := listenNotify(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	sendFile(t, name, "READY=1", lingering(t, 10*patience))
	within(t, "close", s.close)
}

// TestReadyBehindFiles: what is sent behind files whose closing waits is read.
func TestReadyBehindFiles(t *testing.T) {
	name := notifyName(t.TempDir(), "")
	s, err := listenNotify(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for range mostApart {
		sendFile(t, name, "STATUS=stuck", lingering(t, 10*patience))
	}
	for n := range 2 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Sendto(fd, []byte("STATUS="+strconv.Itoa(n)+"\nREADY=1"), 0, &unix.SockaddrUnix{Name: name}); err != nil {
			t.Fatal(err)
		}
		ready := false
		within(t, "read", func() {
			for deadline := time.Now().Add(patience); !ready && time.Now().Before(deadline); {
				ready = s.ready(everybody)
			}
		})
		if !ready {
			t.Errorf("READY=1 number %d was not heard", n)
		}
	}
}

// TestDeaf: a socket to which more such files come than mgr waits for is given up. A signal ends such a wait, and the
// runtime sends some, so what is needed for that may be more.
func TestDeaf(t *testing.T) {
	name := notifyName(t.TempDir(), "")
	s, err := listenNotify(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 20*mostApart && !s.deaf; n++ {
		sendFile(t, name, "STATUS=stuck", lingering(t, 10*patience))
		within(t, "read", func() { s.ready(everybody) })
	}
	if !s.deaf {
		t.Error("not deaf")
	}
	within(t, "close", s.close)
}
