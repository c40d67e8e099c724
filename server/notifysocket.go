package server

import (
	"golang.org/x/sys/unix"
)

// A notifySocket is where a server says how it is, sd_notify(3).
type notifySocket struct{ fd int }

// mostNotices is how many messages are read at a time: whoever sends without
// pause, and anybody may, must not keep mgr from its deadlines.
const mostNotices = 64

// read reads the messages that have come, and gives those whose sender trusted
// says yes to.
func (n *notifySocket) read(trusted func(cred *unix.Ucred) bool) []notice {
	var out []notice
	for range mostNotices {
		var text, oob [4096]byte
		size, oobSize, _, _, err := unix.Recvmsg(n.fd, text[:], oob[:], unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			break
		}
		cred := credentialsOf(oob[:oobSize])
		if cred != nil && trusted(cred) {
			out = append(out, parseNotice(string(text[:size])))
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

// credentialsOf finds the sender among control messages, and closes descriptors
// that came uninvited.
func credentialsOf(oob []byte) *unix.Ucred {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var cred *unix.Ucred
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			for _, fd := range fds {
				unix.Close(fd)
			}
		}
		if c, err := unix.ParseUnixCredentials(&m); err == nil {
			cred = c
		}
	}
	return cred
}

func (n *notifySocket) close() { unix.Close(n.fd) }
