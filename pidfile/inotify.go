package pidfile

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// An Event is what inotify(7) tells of one watch: struct inotify_event.
type Event struct {
	Watch int    // the watch descriptor; -1 of what is about none
	Mask  uint32 // IN_*
	Name  string // of the entry of a watched directory; "" if it is about what is watched itself
}

// Overflow says that the queue ran over, so that anything may have happened.
func (e Event) Overflow() bool { return e.Mask&unix.IN_Q_OVERFLOW != 0 }

// ParseEvents reads what was read from an inotify descriptor. What is left of an
// event that is not whole is no event.
func ParseEvents(buf []byte) []Event {
	var out []Event
	for len(buf) >= unix.SizeofInotifyEvent {
		size := uint64(binary.NativeEndian.Uint32(buf[12:]))
		if size > uint64(len(buf)-unix.SizeofInotifyEvent) {
			break
		}
		end := unix.SizeofInotifyEvent + int(size)
		out = append(out, Event{
			Watch: int(int32(binary.NativeEndian.Uint32(buf))),
			Mask:  binary.NativeEndian.Uint32(buf[4:]),
			Name:  strings.TrimRight(string(buf[unix.SizeofInotifyEvent:end]), "\x00"),
		})
		buf = buf[end:]
	}
	return out
}
