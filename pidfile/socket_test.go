package pidfile

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseUnix(t *testing.T) {
	raw := []byte(`Num       RefCount Protocol Flags    Type St Inode Path
00000000d73ae94c: 00000003 00000000 00000000 0001 03  1279
00000000ff535fb7: 00000002 00000000 00000000 0002 01 12800 @a b@7
00000000ff535fb8: 00000002 00000000 00000000 0002 01 12801 @b@7
0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/a b.sock
0000000000000000: 00000003 00000000 00000000 0001 03 4712 /run/a b.sock
0000000000000000: 00000002 00000000 00010000 0001 01 4713 /other/run/a b.sock
0000000000000000: 00000002 00000000 00010000 0001 01 4714
00000000ff535fb9: 00000002 00000000 00000000 0002 01
x
`)
	for _, tt := range []struct {
		name  string
		flags uint64
		want  []Socket
	}{
		{"@b@7", 0, []Socket{{Inode: 12801}}},
		{"@b@7", acceptsConnections, nil},
		{"@a b@7", 0, []Socket{{Inode: 12800}}},
		{"b@7", 0, nil},
		{"@b", 0, nil},
		{"", 0, nil},
		{"/run/a b.sock", 0, []Socket{{Inode: 4711}, {Inode: 4712}}},
		{"/run/a b.sock", acceptsConnections, []Socket{{Inode: 4711}}},
	} {
		if diff := cmp.Diff(tt.want, parseUnix(raw, tt.name, tt.flags), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
			t.Errorf("%q, %#x (-want +got):\n%s", tt.name, tt.flags, diff)
		}
	}
}

func TestListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	want := netip.MustParseAddrPort(l.Addr().String())
	p, err := Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	find := func(list []Socket) (Socket, bool) {
		for _, s := range list {
			if s.Address == want {
				return s, true
			}
		}
		return Socket{}, false
	}
	mine, ok := find(p.Listening())
	if !ok {
		t.Fatalf("%v is not among %v", want, p.Listening())
	}
	if all, ok := find(AllListening()); !ok || all != mine {
		t.Errorf("among all: %v, %v", all, ok)
	}
	if who := mine.Holder(nil); !strings.HasPrefix(who, "pid "+strconv.Itoa(os.Getpid())) {
		t.Errorf("holder: %s", who)
	}
	l.Close()
	if s, ok := find(AllListening()); ok {
		t.Errorf("%v listens still", s)
	}
	if who := mine.Holder(nil); who != "a process that cannot be seen" {
		t.Errorf("holder of what is closed: %s", who)
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		held, wanted string
		want         bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:81", false},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"0.0.0.0:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "0.0.0.0:80", true},
		{"[::]:80", "127.0.0.1:80", false},
		{"[::]:80", "[::1]:80", true},
		{"0.0.0.0:80", "[::1]:80", false},
		{"[::1]:80", "127.0.0.1:80", false},
	} {
		held, wanted := Socket{Address: netip.MustParseAddrPort(tt.held)}, netip.MustParseAddrPort(tt.wanted)
		if got := held.Covers(wanted); got != tt.want {
			t.Errorf("%s covers %s: got %v", tt.held, tt.wanted, got)
		}
	}
}

func FuzzParseTCP(f *testing.F) {
	f.Add([]byte("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n"))
	f.Add([]byte("0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1 1 0\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, s := range parseTCP(bytes.NewReader(raw)) {
			if !s.Address.IsValid() {
				t.Errorf("%q: %v", raw, s)
			}
		}
	})
}

func TestParseTCP(t *testing.T) {
	got := parseTCP(strings.NewReader("  sl  local_address rem_address   st\n" +
		"0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 4711 1\nx\n" +
		"1: 00000000000000000000000001000000:0050 0:0 0A 0:0 00:0 0 33 0 7 1\n" +
		"2: 0100007F:1F90 0100007F:9999 01 0:0 00:0 0 0 0 4712 1\n"))
	want := []Socket{{4711, netip.MustParseAddrPort("127.0.0.1:8080"), 0}, {7, netip.MustParseAddrPort("[::1]:80"), 33}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestParseTCPMuch: of the connections, which come last, little is read.
func TestParseTCPMuch(t *testing.T) {
	all := strings.NewReader("  sl  local_address rem_address   st\n0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 4711 1\n" +
		strings.Repeat("2: 0100007F:1F90 0100007F:9999 01 0:0 00:0 0 0 0 4712 1\n", 10_000))
	size := all.Len()
	if got := parseTCP(all); len(got) != 1 || size-all.Len() > 64<<10 {
		t.Errorf("%d sockets, %d bytes of %d read", len(got), size-all.Len(), size)
	}
}

// Anybody may have so many descriptors that who looks through all of them has no end.
func TestSocketHoldersTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	own := handle(t, os.Getpid())
	inode := own.Listening()[0].Inode
	rd := &Reader{Patience: patience}
	if rd.SocketHolders()[inode] == 0 {
		t.Fatal("who listens is not found")
	}
	if rd.search == 0 {
		t.Error("the time that it took is not counted")
	}
	rd.searched(patience)
	if got := rd.SocketHolders(); len(got) > 0 {
		t.Errorf("found when the time was used up: %v", got)
	}
	if got := own.socketsUntil(time.Now()); len(got) > 0 {
		t.Errorf("found of one process, past the limit: %v", got)
	}
}
