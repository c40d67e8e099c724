package pidfile

import (
	"encoding/binary"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestAskListening: the kernel tells of the same sockets by both ways.
func TestAskListening(t *testing.T) {
	if _, err := askListening(); err != nil {
		t.Skipf("sock_diag(7): %v", err)
	}
	mine := map[uint16]bool{}
	for _, at := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", ":0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue // no IPv6, say
		}
		defer l.Close()
		mine[uint16(l.Addr().(*net.TCPAddr).Port)] = true
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // which listens nowhere
	}
	told, err := askListening()
	if err != nil {
		t.Fatal(err)
	}
	var lists [2][]string
	for n, all := range [][]Socket{listening("/proc/self/net/tcp", "/proc/self/net/tcp6"), told} {
		for _, s := range all {
			if mine[s.Address.Port()] {
				lists[n] = append(lists[n], s.Address.String()+" "+UserName(s.UID)+" "+strconv.FormatUint(s.Inode, 10))
			}
		}
		slices.Sort(lists[n])
	}
	if diff := cmp.Diff(lists[0], lists[1]); diff != "" || len(lists[0]) < len(mine) {
		t.Errorf("(-/proc/net/tcp +sock_diag)\n%s", diff)
	}
}

// diagMessage is a message of the kernel, netlink(7), of nothing but zeros.
func diagMessage(kind uint16, size int) []byte {
	m := binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint32(nil, uint32(size)), kind)
	return append(m, make([]byte, size-len(m))...)
}

// TestParseDiagEnd: a kernel that has no tcp_diag ends a dump at once, with an error: that
// nothing listens is not to be told from it.
func TestParseDiagEnd(t *testing.T) {
	end := diagMessage(unix.NLMSG_DONE, unix.SizeofNlMsghdr+4)
	if out, done, err := parseDiag(nil, end); len(out) > 0 || !done || err != nil {
		t.Errorf("the end: %v, %t, %v", out, done, err)
	}
	failed := binary.NativeEndian.AppendUint32(end[:unix.SizeofNlMsghdr:unix.SizeofNlMsghdr], ^uint32(unix.ENOENT)+1)
	for name, raw := range map[string][]byte{"ENOENT": failed, "cut off": diagMessage(unix.NLMSG_DONE, unix.SizeofNlMsghdr)} {
		if _, _, err := parseDiag(nil, raw); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParseDiag(f *testing.F) {
	f.Add(append(diagMessage(unix.SOCK_DIAG_BY_FAMILY, unix.SizeofNlMsghdr+diagSize+8), diagMessage(unix.NLMSG_DONE, 20)...))
	f.Add(diagMessage(unix.NLMSG_ERROR, 36))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, _, err := parseDiag(nil, raw)
		if len(out) > len(raw)/diagSize || err != nil && out != nil {
			t.Errorf("%q: %d sockets, %v", raw, len(out), err)
		}
	})
}
