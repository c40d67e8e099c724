package pidfile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Serves says whether the process is a server that id describes, by all that
// Census.Servers goes by.
func (p *Process) Serves(rd *Reader, id Identity) bool {
	var o outlook
	defer o.close()
	is, _ := p.serves(o.from(rd), id)
	return is
}

// serves is Serves, with the reason why it cannot be told.
func (p *Process) serves(v view, id Identity) (bool, error) {
	if state, err := p.verify(v, id, time.Time{}); state != Running {
		return false, err
	}
	argv, err := v.reader.cmdline(p.pid)
	if err != nil || !id.runs(argv, p.pid) {
		return false, err
	}
	st, err := stat(p.pid)
	return err == nil && !st.leftBehind(p.pid) && !p.Exited(), err
}

// leftBehind says whether the process pid can be what is left of the workers of a
// server that has ended: it leads neither group nor session, and init has adopted
// it or the leader of its group is gone. A server that was started in the
// background of a shell that is gone too looks the same, so it is not told from
// one.
func (s Stat) leftBehind(pid int) bool {
	if s.PGRP == pid || s.Session == pid {
		return false
	}
	if s.PPID == 1 {
		return true
	}
	if s.PGRP == 0 {
		return false // its leader is in a namespace above
	}
	return Ending(s.PGRP)
}

// runs says whether the process pid, whose command line is argv, runs the file
// that the command, or what interprets it, is: a title alone may be that of an
// editor or a pager that has the server's file open, if the pattern is a wide one.
func (id Identity) runs(argv []string, pid int) bool {
	if id.Match == nil || id.sameCommand(argv) || id.Uninstalled {
		return true
	}
	path := executable(pid)
	if path == "" {
		return true // it may not be seen
	}
	return path == id.Executable || id.names(path) || slices.Contains(id.Interpreters, filepath.Base(path))
}

// Adopt writes the pidfile name for the process pid, if that is a server which id
// describes. The caller holds the lock of name. The error is ErrGone if the process
// ends meanwhile, and nothing is left of the pidfile then. Its modification time is
// that of the start of the process: what the server has read is no newer.
func (d *Dir) Adopt(name string, pid int, id Identity) error {
	p, err := Open(pid)
	if err != nil {
		return err
	}
	defer p.Close()
	if is, err := p.serves(d.view(), id); !is {
		return cmp.Or(scarce(err), fmt.Errorf("pid %d, %s, is no server of this instance", pid, d.Reader.Describe(pid)))
	}
	if uid := os.Geteuid(); uid != 0 { // root would not take the pidfile of somebody who may not signal it
		if state, err := p.verifyOwner(uint32(uid)); state != Running {
			return cmp.Or(err, fmt.Errorf("pid %d: %w", pid, ErrGone))
		}
	}
	if err := d.Write(name, pid); err != nil {
		return err
	}
	if born, ok := p.Born(); ok {
		if err := d.Touch(name, pid, born); err != nil {
			return errors.Join(err, d.Remove(name, pid))
		}
	}
	if p.Exited() {
		return errors.Join(fmt.Errorf("pid %d: %w", pid, ErrGone), d.Remove(name, pid))
	}
	return nil
}
