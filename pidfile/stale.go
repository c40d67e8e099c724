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
	tv := unix.NsecToTimeval(at.UnixNano())
	// By the descriptor: the name may lead elsewhere by now.
	if err := unix.Futimes(fd, []unix.Timeval{tv, tv}); err != nil {
		return d.fail("touch", name, err)
	}
	return nil
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
