package logtail

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
)

// A watches is an inotify descriptor, and who wants to know of what it watches.
type watches struct {
	fd   int
	subs map[int][]sub // by watch descriptor
}

// A sub is a log that wants to know of a file, or of an entry of a directory.
type sub struct {
	log  *followed
	name string // of the entry; "" for the file itself
}

const (
	fileEvents = unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_MOVE_SELF | unix.IN_DELETE_SELF
	dirEvents  = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_MOVE_SELF |
		unix.IN_DELETE_SELF | unix.IN_ONLYDIR
)

func newWatches() (*watches, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify_init1: %w", err)
	}
	return &watches{fd: fd, subs: map[int][]sub{}}, nil
}

// file watches the open file fd for l.
func (w *watches) file(fd uintptr, l *followed) (int, error) {
	return w.add(fmt.Sprintf("/proc/self/fd/%d", fd), fileEvents, sub{l, ""})
}

// way watches every directory on the way to path for the next step of it, as far
// as there are any: a file may be replaced, or a directory, or a link to one. From
// the root downwards, so that what is made meanwhile is either found or told.
func (w *watches) way(path string, l *followed) error {
	at := "/"
	for part := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		_, err := w.add(at, dirEvents, sub{l, part})
		switch {
		case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
			return nil
		case errors.Is(err, unix.EACCES): // it may be searched, not watched
		case err != nil:
			return err
		}
		at = filepath.Join(at, part)
	}
	return nil
}

func (w *watches) add(path string, mask uint32, s sub) (int, error) {
	wd, err := unix.InotifyAddWatch(w.fd, path, mask)
	if err != nil {
		return -1, fmt.Errorf("inotify_add_watch: %w", err)
	}
	for _, have := range w.subs[wd] {
		if have == s {
			return wd, nil
		}
	}
	w.subs[wd] = append(w.subs[wd], s)
	return wd, nil
}

// drop ends the watch wd as far as it is that of the file of l.
func (w *watches) drop(wd int, l *followed) {
	var left []sub
	for _, s := range w.subs[wd] {
		if s != (sub{l, ""}) {
			left = append(left, s)
		}
	}
	if w.subs[wd] = left; len(left) == 0 {
		delete(w.subs, wd)
		_, _ = unix.InotifyRmWatch(w.fd, uint32(wd))
	}
}

// mostReads is how often it is read what has happened before it is acted on: those who
// write may do so faster. What is left makes the descriptor readable again.
const mostReads = 16

// take reads what has happened, and notes with every log whether there may be more
// to read and whether its name may lead elsewhere.
func (w *watches) take(all []*followed) {
	var buf [16 << 10]byte
	for range mostReads {
		n, err := unix.Read(w.fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		for _, e := range pidfile.ParseEvents(buf[:n]) {
			w.tell(e, all)
		}
	}
}

func (w *watches) tell(e pidfile.Event, all []*followed) {
	if e.Overflow() {
		for _, l := range all {
			l.more, l.moved = true, true
		}
		return
	}
	for _, s := range w.subs[e.Watch] {
		if e.Name != "" && e.Name != s.name {
			continue
		}
		s.log.more = true
		if e.Mask != unix.IN_MODIFY {
			s.log.moved = true
		}
	}
	if e.Mask&unix.IN_IGNORED != 0 {
		delete(w.subs, e.Watch)
	}
}
