// Package pidfile owns pidfiles and the processes behind them: it reads,
// writes, removes and locks pidfiles below a run directory, and it holds, looks
// at, signals and waits for processes through pidfds.
//
// It knows no server, no profile and no conf tree: what a process must look
// like is told to it as an Identity. It trusts no pidfile: the content is a
// hint, and the process that it names is looked at through a handle before
// anything is done to it.
//
// It needs Linux 5.3 (pidfd_open(2)) and a readable /proc.
package pidfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrMalformed says that what stands where a pidfile is expected is not
	// one positive decimal in a small regular file.
	ErrMalformed = errors.New("not a pidfile")
	// ErrGone says that the process does not exist any more.
	ErrGone = errors.New("process is gone")
	// ErrChanged says that a pidfile does not hold the pid any more that the
	// caller judged.
	ErrChanged = errors.New("pidfile has changed")
	// ErrLocked says that somebody else is acting on the instance.
	ErrLocked = errors.New("locked by another mgr")
)

// maxSize is the most that a pidfile may hold, in bytes: the longest pid is 7
// digits (PID_MAX_LIMIT is 2^22, proc(5)), some writers pad to 11.
const maxSize = 32

// maxLines is the most that a pidfile elsewhere may hold, in bytes: some services
// write more lines into it.
const maxLines = 4096

// maxPID is the kernel's PID_MAX_LIMIT on 64-bit machines, proc(5).
const maxPID = 1 << 22

// A Record is what a pidfile holds.
type Record struct {
	PID     int
	UID     uint32    // who owns the file
	ModTime time.Time // when it was written
}

// parsePID reads the content of a pidfile: one decimal from 2 to 4194304, with
// nothing before it, no leading zero, and at most one line end behind it.
// Anything else is ErrMalformed.
func parsePID(content []byte) (int, error) {
	if len(content) > maxSize {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrMalformed, maxSize)
	}
	digits := strings.TrimSuffix(string(content), "\n")
	if digits == "" {
		return 0, fmt.Errorf("%w: empty", ErrMalformed)
	}
	pid, err := strconv.Atoi(digits)
	// Printed back it shows what Atoi lets pass: signs and leading zeros.
	if err != nil || strconv.Itoa(pid) != digits || pid < 2 || pid > maxPID {
		return 0, fmt.Errorf("%w: holds %q", ErrMalformed, string(content))
	}
	return pid, nil
}

// firstLine is what counts of a pidfile that a service has written its own way:
// postmaster.pid says more on the lines behind the pid, and Postfix puts blanks
// before it, up to a width of 32.
func firstLine(content []byte) []byte {
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return bytes.TrimLeft(bytes.TrimRight(line, " \t\r"), " ")
}

// A State is what is known of the process behind a pidfile.
type State int

// The states of an instance, from the best to the least known.
const (
	Running   State = iota // the process is there and is the server
	Stopped                // there is no pidfile
	Dead                   // a pidfile is left, its process is gone or a zombie
	Foreign                // the pid is somebody else's now
	Malformed              // what stands there is no pidfile
	Unknown                // not permitted, or not possible, to tell
)

// String names the state as messages and JSON do.
func (s State) String() string {
	return [...]string{"running", "stopped", "dead", "foreign", "malformed", "unknown"}[s]
}

// A Finding is the verdict on one pidfile.
type Finding struct {
	State   State
	Record  Record   // zero if Stopped or Malformed
	Process *Process // the open handle if Running; the caller closes it
	Err     error    // why, if Malformed, Foreign or Unknown
}

// Inspect reads the pidfile name below d, opens the process that it names and
// compares it with id. The handle is opened before the process is looked at,
// and is seen alive after, so the verdict is about the process that the handle
// holds, whatever becomes of the number.
//
// As root it takes a pidfile that another user owns for what that user could do
// himself: a process that the user could not signal is Unknown, not Running.
func (d *Dir) Inspect(name string, id Identity) Finding { return d.inspectAgain(d.view(), name, id) }

// Glance is Inspect without a Reader, for who need not wait for it: it may never
// come back. Inspect then says why.
func (d *Dir) Glance(name string, id Identity) Finding {
	return d.inspectAgain(d.outlook.from(nil), name, id)
}

func (d *Dir) inspectAgain(v view, name string, id Identity) Finding {
	f := d.inspect(v, name, id)
	// A pidfile may be replaced between the read and the look: then what was
	// found is the end of the last server, and not what the file names.
	for range rereads {
		if f.State != Dead && f.State != Foreign {
			break
		}
		if rec, err := d.Read(name); err == nil && rec == f.Record {
			break
		}
		f = d.inspect(v, name, id)
	}
	return f
}

// rereads bounds how often a pidfile that keeps changing is read again.
const rereads = 3

func (d *Dir) inspect(v view, name string, id Identity) Finding {
	rec, err := d.Read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Finding{State: Stopped}
	case errors.Is(err, ErrMalformed):
		return Finding{State: Malformed, Err: err}
	case err != nil:
		return Finding{State: Unknown, Err: err}
	}
	p, err := Open(rec.PID)
	if errors.Is(err, ErrGone) {
		return Finding{State: Dead, Record: rec}
	}
	if err != nil {
		return Finding{State: Unknown, Record: rec, Err: err}
	}
	state, err := p.verify(v, id, rec.ModTime)
	if state == Running && rec.UID != 0 && os.Geteuid() == 0 {
		state, err = p.verifyOwner(rec.UID)
	}
	if state == Running {
		return Finding{State: Running, Record: rec, Process: p}
	}
	p.Close()
	return Finding{State: state, Record: rec, Err: err}
}
