package pidfile

import (
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// A Watch tells when a pidfile is written, by whomever: inotify(7).
type Watch struct {
	fd   int
	base string
}

// Watch watches the pidfile name. The directories on the way to it are made
// where they are missing.
func (d *Dir) Watch(name string) (*Watch, error) {
	parent, err := d.mkdirs(path.Dir(name))
	if err != nil {
		return nil, err
	}
	defer unix.Close(parent)
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, d.fail("inotify_init", name, err)
	}
	// Through the open directory: its path may lead elsewhere by now.
	where := "/proc/self/fd/" + strconv.Itoa(parent)
	if _, err := unix.InotifyAddWatch(fd, where, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_ONLYDIR); err != nil {
		unix.Close(fd)
		return nil, d.fail("inotify_add_watch", name, err)
	}
	return &Watch{fd: fd, base: path.Base(name)}, nil
}

// FD becomes readable when something was written into the directory.
func (w *Watch) FD() int { return w.fd }

// Close ends the watch.
func (w *Watch) Close() { unix.Close(w.fd) }

// mostReads is how often Written reads: anybody who writes into the directory may do so
// faster.
const mostReads = 16

// Written takes what has happened, and says how often the pidfile was written
// in place, and how often another file was moved to its name. A queue that ran
// over counts as a write. What it leaves keeps the descriptor readable.
func (w *Watch) Written() (inPlace, moved int) {
	var buf [16 << 10]byte
	for range mostReads {
		n, err := uninterrupted(func() (int, error) { return unix.Read(w.fd, buf[:]) })
		if err != nil || n <= 0 {
			return inPlace, moved
		}
		for _, e := range ParseEvents(buf[:n]) {
			switch {
			case e.Overflow(), e.Name == w.base && e.Mask&unix.IN_CLOSE_WRITE != 0:
				inPlace++
			case e.Name == w.base && e.Mask&unix.IN_MOVED_TO != 0:
				moved++
			}
		}
	}
	return inPlace, moved
}
