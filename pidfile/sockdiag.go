package pidfile

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// This file asks the kernel for the sockets that listen, and for no others, sock_diag(7):
// /proc/net/tcp costs a walk through the table of all connections.

// A diagRequest is struct nlmsghdr with struct inet_diag_req_v2 of linux/inet_diag.h.
type diagRequest struct {
	Header                     unix.NlMsghdr
	Family, Protocol, Ext, Pad uint8
	States                     uint32
	ID                         [48]byte // of one socket: none
}

// What is looked at of struct inet_diag_msg.
const (
	diagFamily = 0
	diagPort   = 4 // in network order
	diagHost   = 8
	diagUID    = 64
	diagInode  = 68
	diagSize   = 72
)

var errNoDiag = errors.New("the kernel does not tell its sockets")

// askListening gives the sockets of TCP of mgr's own network namespace that listen.
func askListening() ([]Socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	v4, err := dumpListening(fd, unix.AF_INET)
	if err != nil {
		return nil, err
	}
	v6, err := dumpListening(fd, unix.AF_INET6)
	return append(v4, v6...), err
}

func dumpListening(fd int, family uint8) ([]Socket, error) {
	req := diagRequest{Family: family, Protocol: unix.IPPROTO_TCP, States: 1 << unix.BPF_TCP_LISTEN}
	req.Header = unix.NlMsghdr{Len: uint32(binary.Size(req)), Type: unix.SOCK_DIAG_BY_FAMILY, Flags: unix.NLM_F_REQUEST | unix.NLM_F_DUMP}
	raw, err := binary.Append(nil, binary.NativeEndian, req)
	if err != nil {
		return nil, err
	}
	if err := unix.Sendto(fd, raw, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var out []Socket
	buf := make([]byte, 32<<10) // the most that the kernel gives at a time
	for done := false; !done; {
		n, _, err := unix.Recvfrom(fd, buf, 0) // it is there: the kernel answers as it is asked
		if err != nil {
			return nil, err
		}
		if out, done, err = parseDiag(out, buf[:n]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// parseDiag adds what the kernel's messages tell, netlink(7), and says whether that was
// the last of it.
func parseDiag(out []Socket, raw []byte) (all []Socket, done bool, err error) {
	for len(raw) >= unix.SizeofNlMsghdr {
		size, kind := binary.NativeEndian.Uint32(raw), binary.NativeEndian.Uint16(raw[4:])
		if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(raw)) {
			break
		}
		switch m := raw[unix.SizeofNlMsghdr:size]; {
		case kind == unix.NLMSG_DONE && len(m) >= 4 && binary.NativeEndian.Uint32(m) == 0: // or it failed: ENOENT without tcp_diag
			return out, true, nil
		case kind == unix.SOCK_DIAG_BY_FAMILY && len(m) >= diagSize:
			out = append(out, diagSocket(m))
		default: // NLMSG_ERROR, say
			return nil, true, errNoDiag
		}
		raw = raw[min(int(size+3)&^3, len(raw)):]
	}
	if len(raw) > 0 {
		return nil, true, errNoDiag
	}
	return out, false, nil
}

func diagSocket(m []byte) Socket {
	host := netip.AddrFrom4([4]byte(m[diagHost:]))
	if m[diagFamily] == unix.AF_INET6 {
		host = netip.AddrFrom16([16]byte(m[diagHost:])).Unmap()
	}
	return Socket{
		Inode:   uint64(binary.NativeEndian.Uint32(m[diagInode:])),
		Address: netip.AddrPortFrom(host, binary.BigEndian.Uint16(m[diagPort:])),
		UID:     binary.NativeEndian.Uint32(m[diagUID:]),
	}
}
