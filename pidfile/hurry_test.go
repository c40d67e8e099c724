package pidfile

import (
	"errors"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

func interrupted(err error) bool {
	var be *BlockedError
	return errors.As(err, &be) && be.Interrupted
}

// Who interrupts a read that hangs does not wait for it, nor for all the others.
func TestReaderHeed(t *testing.T) {
	rd, s, own := &Reader{Patience: patience / 4}, newStuck(t), os.Getpid()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	interrupt := make(chan struct{})
	rd.Heed(interrupt)
	began := time.Now()
	err = rd.within(own, "first", func() { close(interrupt); s.read() })
	if took := time.Since(began); !Blocked(err) || interrupted(err) || took > rd.Patience/2 {
		t.Fatalf("after %v: %v", took, err)
	}
	for n := range maxBlocked {
		if err := rd.within(own, strconv.Itoa(n), func() { t.Error("it was tried") }); !interrupted(err) {
			t.Fatalf("read %d after that: %v", n, err)
		}
	}
	if holders := rd.SocketHolders(); len(holders) > 0 {
		t.Errorf("it was searched for who holds sockets: %v", holders)
	}
	rd.Heed(nil)
	if len(rd.SocketHolders()) == 0 {
		t.Error("it is searched no more for who holds sockets")
	}
	if p, _, err := rd.begin(own, "patient"); p.wait < rd.Glances() || err != nil {
		t.Errorf("left of the patience: %v, %v", p.wait, err)
	}
	rd.Heed(interrupt)
	s.release()
	comesBack(t, rd, own, "first")
}

// In a hurry all that hangs gets little in all, however many users it is, and the rest
// is read.
func TestReaderHeedManyUsers(t *testing.T) {
	interrupt := make(chan struct{})
	close(interrupt)
	rd := &Reader{spent: map[uint32]time.Duration{0: 0}, blocked: map[string]*blockedRead{}}
	rd.Heed(interrupt)
	if wait := rd.pause(rd.patience()).wait; wait != rd.Glances() {
		t.Errorf("the first read gets %v", wait)
	}
	rd.hurried = rd.Glances()
	if wait := rd.pause(rd.patience()).wait; wait != rd.Glances()/nextPatience {
		t.Errorf("one beside what hangs gets %v", wait)
	}
	rd.hurried = rd.patience()
	if _, err := rd.left(os.Getpid(), "cmdline"); err != nil {
		t.Errorf("the caller's own are read no more: %v", err)
	}
	if os.Geteuid() == 0 {
		if _, err := rd.left(start(t, "good", serverArgv, asNobody).pid(), "cmdline"); !interrupted(err) {
			t.Errorf("a stranger's is tried: %v", err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	rd, own := new(Reader), os.Getpid()
	rd.Heed(make(chan struct{}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rd.cmdline(own); err != nil {
			b.Fatal(err)
		}
	}
}
