package pidfile

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Touch notes, as the modification time of the pidfile name, that its server has
// read its conf at that time: it is set if the pidfile still holds pid. The file is
// opened as Read does. The error is ErrChanged if it holds another one, and
// unix.EPERM if it belongs to somebody else.
func (d *Dir) Touch(name string, pid int, at time.Time) error {
	fd, rec, err := d.open(d.fd(), name)
	if err != nil {
		return d.fail("touch", name, err)
	}
	defer unix.Close(fd)
	if rec.PID != pid {
		return d.fail("touch", name, ErrChanged)
	}
	if err := setTime(fd, at); err != nil {
		return d.fail("touch", name, err)
	}
	return nil
}

// Restore is Write for a pidfile that was there before, as rec has it: it gets its
// modification time and, from root, its owner back. Newer, it would let more processes
// pass for older than it, which Inspect takes for the server more easily; as root's, any
// user's.
func (d *Dir) Restore(name string, rec Record) error {
	return d.write(name, rec.PID, func(fd int) error {
		// The time first: of another's file only CAP_FOWNER may set it.
		if err := setTime(fd, rec.ModTime); err != nil || os.Geteuid() != 0 || rec.UID == 0 {
			return err
		}
		return unix.Fchown(fd, int(rec.UID), -1)
	})
}

// setTime sets the modification time of an open file, by its descriptor: the name may
// lead elsewhere by now.
func setTime(fd int, at time.Time) error {
	tv := unix.NsecToTimeval(at.UnixNano())
	return unix.Futimes(fd, []unix.Timeval{tv, tv})
}

// Born is when the process was started, to the hundredth of a second, as long as
// it is there. What it executes since does not change that.
func (p *Process) Born() (time.Time, bool) {
	age, ok := p.Age()
	return time.Now().Add(-age), ok
}

// Replaced gives the file that the process runs if nothing leads to it any more: it
// was replaced, or removed, since. The error says why that cannot be seen.
func (p *Process) Replaced(rd *Reader) (path string, replaced bool, err error) {
	st, err := rd.Program(p.pid)
	if err != nil {
		return "", false, err
	}
	if path, err = os.Readlink(procPath(p.pid, "exe")); err != nil {
		return "", false, err
	}
	if p.Exited() { // what was read may be a successor's
		return "", false, ErrGone
	}
	return strings.TrimSuffix(path, " (deleted)"), st.Nlink == 0, nil
}
