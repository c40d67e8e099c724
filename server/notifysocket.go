package server

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A notifySocket is where a server says how it is, sd_notify(3). Anybody may send
// there, and files with it (SCM_RIGHTS, unix(7)), whose last close may wait: for a
// FUSE file system that does not answer, or for the other end of a connection that
// lingers (SO_LINGER, socket(7)). So no file is ever taken, and a message that came
// with some is received apart from all else: to drop it is to close them.
type notifySocket struct {
	fd    int
	name  string
	apart atomic.Int32 // receptions apart that are under way
	late  chan message // what they have received too late to be waited for
	deaf  bool         // given up: it stays readable, and nobody is to wait for it
}

func newNotifySocket(fd int, name string) *notifySocket {
	return &notifySocket{fd: fd, name: name, late: make(chan message, 2*mostApart)}
}

// How many receptions apart may wait on one socket until it is given up, and how
// long one is waited for: it has dropped its files by then unless that takes for ever.
const (
	mostApart = 4
	apartWait = 10 * time.Millisecond
)

// hear takes what the server says of itself.
func (l *Launches) hear(c *Child) {
	if c.notify == nil {
		return
	}
	c.notified = c.notify.ready(c.trusts) || c.notified
	if c.notify.deaf {
		l.waiter.Remove(c.notify.fd)
	}
}

// mostNotices is how many messages are read at a time: whoever sends without
// pause, and anybody may, must not keep mgr from its deadlines.
const mostNotices = 64

// read reads the messages that have come, and gives those whose sender trusted
// says yes to.
func (n *notifySocket) read(trusted func(cred *unix.Ucred) bool) []notice {
	var out []notice
	for range mostNotices {
		m, ok := n.next()
		if !ok {
			break
		}
		if m.cred != nil && trusted(m.cred) {
			out = append(out, parseNotice(m.text))
		}
	}
	return out
}

// ready says whether one of the messages that have come is READY=1.
func (n *notifySocket) ready(trusted func(cred *unix.Ucred) bool) bool {
	ready := false
	for _, note := range n.read(trusted) {
		ready = ready || note.Ready
	}
	return ready
}

// next gives the message that is at the head, or one that was received apart;
// false if there is none for now.
func (n *notifySocket) next() (message, bool) {
	for !n.deaf {
		select {
		case m := <-n.late:
			return m, true
		default:
		}
		head, err := receive(n.fd, unix.MSG_PEEK)
		if err != nil {
			break
		}
		if !head.files && n.apart.Load() == 0 { // or it may be gone by now, and the next one be received
			m, err := receive(n.fd, 0)
			return m, err == nil
		}
		if n.deaf = head.files && n.apart.Load() >= mostApart; n.deaf {
			break
		}
		if m, ok := n.receiveApart(); ok {
			return m, true
		}
	}
	return message{}, false
}

// receiveApart receives a message in a goroutine, which may wait as long as whoever
// sent it likes. False if it does so; the message comes late then.
func (n *notifySocket) receiveApart() (message, bool) {
	n.apart.Add(1)
	inTime, over := make(chan message), make(chan struct{})
	go func() {
		defer n.apart.Add(-1)
		m, _ := receive(n.fd, 0)
		select {
		case inTime <- m:
		case <-over:
			n.late <- m
			_ = unix.Sendto(n.fd, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: n.name}) // wakes who waits for the socket
		}
	}()
	timer := time.NewTimer(apartWait)
	defer timer.Stop()
	defer close(over)
	select {
	case m := <-inTime:
		return m, true
	case <-timer.C:
		return message{}, false
	}
}

// close gives up the name. A descriptor that somebody still receives from stays open
// until mgr ends, and what nobody has received is dropped apart.
func (n *notifySocket) close() {
	_ = unix.Shutdown(n.fd, unix.SHUT_RD)
	if n.apart.Load() > 0 {
		return
	}
	if _, err := receive(n.fd, unix.MSG_PEEK); err == unix.EAGAIN {
		unix.Close(n.fd)
		return
	}
	go unix.Close(n.fd) // it may wait as receiveApart may
}

// A message is one that was sent to a notify socket.
type message struct {
	text  string
	cred  *unix.Ucred // of the sender; nil: unknown
	files bool        // some came with it, and were not taken
}

// receive receives a message, but no files: there is room for the credentials of the
// sender alone, which the kernel puts first.
func receive(fd, flags int) (message, error) {
	var text [4096]byte
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	for {
		size, oobSize, got, _, err := unix.Recvmsg(fd, text[:], oob, flags|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return message{}, err
		}
		return message{string(text[:size]), credentialsOf(oob[:oobSize]), got&unix.MSG_CTRUNC != 0}, nil
	}
}

// credentialsOf finds the sender among control messages.
func credentialsOf(oob []byte) *unix.Ucred {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if cred, err := unix.ParseUnixCredentials(&m); err == nil {
			return cred
		}
	}
	return nil
}
