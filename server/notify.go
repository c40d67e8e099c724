package server

import (
	"fmt"
	"hash/fnv"
	"strings"

	"golang.org/x/sys/unix"
)

// A notifySocket is where a server says that it is ready, sd_notify(3). Its
// abstract name follows from the pidfile, so that a later mgr, which asks the
// server to re-execute itself, can listen under the name that the server still
// has in its environment.
type notifySocket struct{ fd int }

// maxAbstract is the longest abstract name: sun_path less the leading NUL,
// unix(7).
const maxAbstract = 107

// notifyName is the value of NOTIFY_SOCKET for the server of a pidfile.
func notifyName(pidfile string) string {
	name := "mgr/notify" + pidfile
	if len(name) > maxAbstract {
		h := fnv.New128a()
		h.Write([]byte(pidfile))
		name = fmt.Sprintf("mgr/notify/%x", h.Sum(nil))
	}
	return "@" + name
}

// listenNotify listens where the server of the pidfile will notify. The kernel
// tells who sends: SO_PASSCRED.
func listenNotify(pidfile string) (*notifySocket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: notifyName(pidfile)})
		if err == nil {
			return &notifySocket{fd}, nil
		}
	}
	unix.Close(fd)
	return nil, fmt.Errorf("notify socket %q: %w", notifyName(pidfile), err)
}

// ready reads the messages that have come, and says whether one of them is
// READY=1 from a sender that trusted says yes to.
func (n *notifySocket) ready(trusted func(cred *unix.Ucred) bool) bool {
	ready := false
	for {
		var text, oob [4096]byte
		size, oobSize, _, _, err := unix.Recvmsg(n.fd, text[:], oob[:], unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return ready
		}
		cred := credentialsOf(oob[:oobSize])
		if cred != nil && trusted(cred) && saysReady(string(text[:size])) {
			ready = true
		}
	}
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

// saysReady finds the line READY=1 in a message, sd_notify(3).
func saysReady(message string) bool {
	for line := range strings.Lines(message) {
		if strings.TrimRight(line, "\n") == "READY=1" {
			return true
		}
	}
	return false
}

func (n *notifySocket) close() { unix.Close(n.fd) }
