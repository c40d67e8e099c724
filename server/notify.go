package server

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// maxAbstract is the longest abstract name that package unix can bind, less the
// leading NUL: sun_path, unix(7), less one.
const maxAbstract = 106

// notifyName is the value of NOTIFY_SOCKET for the server of a pidfile. The
// abstract name follows from the pidfile, so that a later mgr, which asks the
// server to re-execute itself, can listen under the name that the server still
// has in its environment. What is behind it, if anything, makes it another one.
func notifyName(pidfile, behind string) string {
	name := "mgr/notify" + pidfile + behind
	if len(name) > maxAbstract {
		h := fnv.New128a()
		h.Write([]byte(pidfile))
		name = fmt.Sprintf("mgr/notify/%x", h.Sum(nil)) + behind
	}
	return "@" + name
}

// nonceSize is how many random bytes make a name that nobody can foresee.
const nonceSize = 8

// otherName is a notifyName that nobody can have taken before.
func otherName(pidfile string) (string, error) {
	var nonce [nonceSize]byte
	if _, err := unix.Getrandom(nonce[:], 0); err != nil {
		return "", fmt.Errorf("getrandom: %w", err)
	}
	return notifyName(pidfile, fmt.Sprintf("#%x", nonce)), nil
}

// isNotifyName says whether name is one of those that the server of the pidfile may
// have been given.
func isNotifyName(name, pidfile string) bool {
	if name == notifyName(pidfile, "") {
		return true
	}
	behind := name[max(len(name)-len("#")-2*nonceSize, 0):]
	nonce, is := strings.CutPrefix(behind, "#")
	_, err := hex.DecodeString(nonce)
	return is && err == nil && name == notifyName(pidfile, behind)
}

// givenName is the name that the server which runs in p was given as it was started.
// It is told by its environment, which it may have written over since, or which may
// not be seen: then it is the one that follows from the pidfile.
func (i *Instance) givenName(p *pidfile.Process) string {
	for _, name := range p.Getenv(&i.fleet.Reader, "NOTIFY_SOCKET") {
		if isNotifyName(name, i.Pidfile) {
			return name
		}
	}
	return notifyName(i.Pidfile, "")
}

// listen listens where the server is to say that it is ready, and gives that name:
// the one that follows from the pidfile, or, since anybody can take that first, one
// for this start only.
func (c *Child) listen() (name string, err error) {
	i := c.Instance
	name = notifyName(i.Pidfile, "")
	c.notify, err = i.fleet.listenSoon(name)
	var taken *nameError
	if !errors.As(err, &taken) {
		return name, err
	}
	c.Elsewhere = taken
	if name, err = otherName(i.Pidfile); err == nil {
		c.notify, err = listenNotify(&i.fleet.Reader, name)
	}
	return name, err
}

// listenNotify listens at an abstract name, whose first byte is an @ or NUL. The
// kernel tells who sends: SO_PASSCRED.
func listenNotify(rd *pidfile.Reader, name string) (*notifySocket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: name})
		if err == nil {
			return newNotifySocket(fd, name), nil
		}
	}
	unix.Close(fd)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, &nameError{shown(name), rd.AbstractHolder(shown(name)), rd}
	}
	return nil, fmt.Errorf("notify socket %q: %w", shown(name), err)
}

// A nameError says that somebody has an abstract name already.
type nameError struct {
	name   string
	pid    int // who; 0: he cannot be seen
	reader *pidfile.Reader
}

func (e *nameError) Error() string {
	who := "a process that cannot be seen"
	if e.pid != 0 {
		who = fmt.Sprintf("pid %d, %s", e.pid, e.reader.Describe(e.pid))
	}
	return fmt.Sprintf("notify socket %q is held by %s", e.name, who)
}

// passing says whether another mgr, of root's or of the caller's, has the name: it
// waits for its server, and gives the name up when that ends; or whether whoever had
// it is ending.
func (e *nameError) passing() bool {
	if e.pid != 0 && pidfile.Ending(e.pid) {
		return true
	}
	uid, err := pidfile.UID(e.pid)
	return err == nil && (uid == 0 || int(uid) == os.Geteuid()) && runsMgr(e.reader, e.pid)
}

// How long other mgrs may take to give names up once their servers have ended, all
// of them together, since anybody can look as if he did; and the pause between two
// looks: the kernel has no event for the end of a name.
const (
	passingWait  = time.Second
	passingPause = 5 * time.Millisecond
)

// listenSoon is listenNotify, again as long as another mgr is giving the name up.
func (f *Fleet) listenSoon(name string) (*notifySocket, error) {
	began := time.Now()
	defer func() { f.waited += time.Since(began) }()
	for limit := began.Add(passingWait - f.waited); ; time.Sleep(passingPause) {
		s, err := listenNotify(&f.Reader, name)
		var taken *nameError
		gone := errors.As(err, &taken) && taken.pid == 0 // by now, as far as can be seen
		if taken == nil || !gone && !taken.passing() || time.Now().After(limit) {
			return s, err
		}
	}
}

// shown is an abstract name as /proc/net/unix has it.
func shown(name string) string { return strings.ReplaceAll(name, "\x00", "@") }

// A notice is one message of a server's.
type notice struct {
	Ready     bool
	Reloading bool   // Ready is to follow
	Failed    bool   // what was asked for: an ERRNO came
	Status    string // in its words
}

// parseNotice reads the lines of a message, sd_notify(3).
func parseNotice(message string) notice {
	var n notice
	for line := range strings.Lines(message) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		switch key {
		case "READY":
			n.Ready = n.Ready || value == "1"
		case "RELOADING":
			n.Reloading = n.Reloading || value == "1"
		case "ERRNO":
			n.Failed = n.Failed || value != "0"
		case "STATUS":
			n.Status = value
		}
	}
	return n
}
