package pidfile

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Socket is a socket that listens, of TCP or of Unix, proc_pid_net(5). Its inode is its own as
// long as anybody holds it.
type Socket struct {
	Inode   uint64
	Address netip.AddrPort // zero if it is a Unix socket
	UID     uint32         // of who made it
}

// Listening gives the sockets that the process listens at, in its own network
// namespace, as Sockets.Of does.
func (p *Process) Listening() []Socket {
	inodes := p.sockets()
	if len(inodes) == 0 {
		return nil
	}
	return byInode(p.allListening()).heldBy(p, inodes)
}

// allListening gives the sockets of the network namespace of the process that listen.
func (p *Process) allListening() []Socket {
	own, err := os.Readlink("/proc/self/ns/net")
	its, err2 := os.Readlink(procPath(p.pid, "ns/net"))
	if err == nil && err2 == nil && own == its {
		return AllListening()
	}
	return listening(procPath(p.pid, "net/tcp"), procPath(p.pid, "net/tcp6"))
}

// sockets gives the inodes of the sockets that the process holds.
func (p *Process) sockets() map[uint64]bool { return p.socketsUntil(time.Time{}) }

// socketsUntil is sockets as far as the limit lets it get, zero standing for none.
func (p *Process) socketsUntil(limit time.Time) map[uint64]bool {
	dir := procPath(p.pid, "fd")
	inodes := map[uint64]bool{}
	descriptorsUntil(p.pid, limit, func(number string) {
		if inode, ok := socketInode(dir + "/" + number); ok {
			inodes[inode] = true
		}
	})
	return inodes
}

// socketInode is that of the socket which the link of a descriptor leads to.
func socketInode(link string) (uint64, bool) {
	to, err := os.Readlink(link)
	if err != nil {
		return 0, false
	}
	number, is := strings.CutPrefix(to, "socket:[")
	inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return inode, is && err == nil
}

// AllListening gives the sockets of mgr's own network namespace that listen.
func AllListening() []Socket {
	if all, err := askListening(); err == nil {
		return all
	}
	return listening("/proc/self/net/tcp", "/proc/self/net/tcp6")
}

func listening(paths ...string) []Socket {
	var out []Socket
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			continue // no IPv6, say
		}
		out = append(out, parseTCP(f)...)
		f.Close()
	}
	return out
}

// tcpListen is TCP_LISTEN of the kernel's net/tcp_states.h.
const tcpListen = "0A"

// parseTCP gives the sockets that listen of the content of /proc/net/tcp or tcp6.
// Lines that it does not understand are none. Those that listen come first (the
// kernel's networking/proc_net_tcp.rst), so it reads little of the others, of which
// there may be very many.
func parseTCP(r io.Reader) []Socket {
	var out []Socket
	lines := bufio.NewScanner(r)
	lines.Scan() // what the columns are
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 {
			continue
		}
		if f[3] != tcpListen {
			break
		}
		address, err := parseAddress(f[1])
		inode, err2 := strconv.ParseUint(f[9], 10, 64)
		uid, err3 := strconv.ParseUint(f[7], 10, 32)
		if err == nil && err2 == nil && err3 == nil {
			out = append(out, Socket{Inode: inode, Address: address, UID: uint32(uid)})
		}
	}
	return out
}

// parseAddress reads 0100007F:1F90: words of the address in the byte order of
// the machine, and the port.
func parseAddress(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("address of %d bytes", len(raw))
	}
	for word := range slices.Chunk(raw, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	address, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(address.Unmap(), uint16(n)), nil
}

// AbstractHolder gives the lowest number of those that hold the socket which is
// bound to the abstract name, as /proc/net/unix shows it, in mgr's own network
// namespace; 0 if none may be seen.
func (rd *Reader) AbstractHolder(name string) int {
	raw, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return 0
	}
	if bound := parseUnix(raw, name, 0); len(bound) > 0 {
		return rd.SocketHolders()[bound[0].Inode]
	}
	return 0
}

// Holder says in words who holds a socket, as far as mgr may see it: for
// messages only.
func (s Socket) Holder(rd *Reader) string {
	if pid := rd.SocketHolders()[s.Inode]; pid != 0 {
		return fmt.Sprintf("pid %d, %s", pid, rd.Describe(pid))
	}
	return "a process that cannot be seen"
}

// SocketHolders gives for each socket, by inode, the lowest number of those that
// hold it, as far as they may be seen and a search gets.
func (rd *Reader) SocketHolders() map[uint64]int {
	holders := map[uint64]int{}
	rd.searchAll(func(pid int, limit time.Time) bool {
		p := Process{pid: pid, fd: -1}
		for inode := range p.socketsUntil(limit) {
			holders[inode] = cmp.Or(holders[inode], pid)
		}
		return false
	})
	return holders
}

// HoldsIn says whether the process, or what belongs to it, holds the socket, as far
// as their descriptors may be seen.
func (p *Process) HoldsIn(s Socket) bool {
	if p.sockets()[s.Inode] {
		return true
	}
	tree, err := ReadTree()
	if err != nil {
		return false
	}
	holds := false
	family, _ := tree.Family(p) // as far as they may be seen
	for _, q := range family {
		holds = holds || q.sockets()[s.Inode]
		q.Close()
	}
	return holds
}

// UnixListening gives the sockets of mgr's own network namespace that listen at
// path.
func UnixListening(path string) []Socket {
	raw, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return nil
	}
	return parseUnix(raw, path, acceptsConnections)
}

// acceptsConnections is __SO_ACCEPTCON of linux/net.h: the socket listens.
const acceptsConnections = 1 << 16

// parseUnix finds, in the content of /proc/net/unix, proc_pid_net(5), the sockets
// that are bound to name and have all of the flags.
func parseUnix(raw []byte, name string, flags uint64) []Socket {
	var out []Socket
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line) // Num RefCount Protocol Flags Type St Inode Path, and a path may hold blanks
		if len(f) < 8 || !strings.HasSuffix(strings.TrimSuffix(line, "\n"), " "+f[6]+" "+name) {
			continue
		}
		has, err := strconv.ParseUint(f[3], 16, 32)
		inode, err2 := strconv.ParseUint(f[6], 10, 64)
		if err == nil && err2 == nil && has&flags == flags {
			out = append(out, Socket{Inode: inode})
		}
	}
	return out
}

// Covers says whether a socket that listens at s keeps others from listening at
// address: the same port, and the same address or any. Whether :: stands for IPv4
// as well the kernel does not tell (IPV6_V6ONLY), so that is no yes.
func (s Socket) Covers(address netip.AddrPort) bool {
	if s.Address.Port() != address.Port() {
		return false
	}
	a, b := s.Address.Addr(), address.Addr()
	return a == b || a.Is4() == b.Is4() && (a.IsUnspecified() || b.IsUnspecified())
}

// Sockets are those that listen, by their inodes.
type Sockets map[uint64]Socket

// ReadSockets gives the sockets of mgr's own network namespace that listen.
func ReadSockets() Sockets { return byInode(AllListening()) }

func byInode(all []Socket) Sockets {
	out := Sockets{}
	for _, s := range all {
		out[s.Inode] = s
	}
	return out
}

// Of gives those of s that the process holds, in the order of their addresses.
// Nothing where its descriptors may not be seen.
func (s Sockets) Of(p *Process) []Socket { return s.heldBy(p, p.sockets()) }

// heldBy gives those of s that are among the inodes of what the process holds.
func (s Sockets) heldBy(p *Process, inodes map[uint64]bool) []Socket {
	var held []Socket
	for inode := range inodes {
		if socket, listens := s[inode]; listens {
			held = append(held, socket)
		}
	}
	slices.SortFunc(held, func(a, b Socket) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Inode, b.Inode))
	})
	if p.Exited() { // what was read may be a successor's
		return nil
	}
	return held
}
