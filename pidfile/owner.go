package pidfile

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Unreaped says in words who does not reap the process pid, which has ended and
// is a zombie; "" if it is none.
func (rd *Reader) Unreaped(pid int) string {
	st, err := stat(pid)
	if err != nil || st.State != 'Z' || st.PPID == 0 {
		return ""
	}
	return fmt.Sprintf("its parent, pid %d, %s, does not reap it", st.PPID, rd.Describe(st.PPID))
}

// Describe says in words who holds the pid now: `"bash" of alice, started
// 2026-11-21 02:10:07`. It is for messages only, never for a decision: by the
// time it is read the answer may be out of date.
func (rd *Reader) Describe(pid int) string {
	st, err := stat(pid)
	if os.IsNotExist(err) {
		return "nobody"
	}
	if err != nil {
		return "a process that cannot be seen"
	}
	s := rd.who(pid, st)
	if age, ok := st.age(); ok {
		s += ", started " + time.Now().Add(-age).Format(time.DateTime)
	}
	return s
}

// Who is Describe in short: `"bash" of alice`.
func (rd *Reader) Who(pid int) string {
	st, err := stat(pid)
	if err != nil {
		return rd.Describe(pid)
	}
	return rd.who(pid, st)
}

func (rd *Reader) who(pid int, st Stat) string {
	s := fmt.Sprintf("%q", rd.fullName(pid, st.Comm))
	if uids, err := statusUIDs(pid); err == nil {
		s += " of " + UserName(uids[0])
	}
	return s
}

// UserName is the name of a user, or the number where there is none.
func UserName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// Owner is the name of the user that the process pid runs as, or his number; "?" if
// that cannot be seen.
func Owner(pid int) string {
	uids, err := statusUIDs(pid)
	if err != nil {
		return "?"
	}
	return UserName(uids[0])
}

// maxComm is where the kernel cuts a process's name off, TASK_COMM_LEN.
const maxComm = 15

// fullName completes a name that was cut off from the command line.
func (rd *Reader) fullName(pid int, comm string) string {
	if len(comm) < maxComm {
		return comm
	}
	argv, err := rd.cmdline(pid)
	if err != nil {
		return comm
	}
	for _, arg := range argv {
		if base := filepath.Base(arg); strings.HasPrefix(base, comm) {
			return base
		}
	}
	return comm
}
