package pidfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNoOutput says that a descriptor of a process is no file that it writes to.
var ErrNoOutput = errors.New("writes to no file")

// An Output is a regular file that a process has open to write to.
type Output struct {
	File *os.File // opened anew, to be read; the caller closes it
	Path string   // where it was when it was opened, or has been moved to since
	Gone bool     // it has been removed: Path leads elsewhere, or nowhere
}

// Output opens for reading the file that the process writes to through its
// descriptor fd. The error is ErrNoOutput if that is no regular file or is not
// open for writing: of O_PATH and of O_RDONLY anything may be the file.
func (p *Process) Output(fd int) (Output, error) {
	link := procPath(p.pid, "fd/"+strconv.Itoa(fd))
	path, err := os.Readlink(link)
	if err != nil {
		return Output{}, err
	}
	raw, err := readProc(procPath(p.pid, "fdinfo/"+strconv.Itoa(fd)), make([]byte, procBuffer))
	if err != nil {
		return Output{}, err
	}
	if writes, err := parseWrites(raw); err != nil || !writes {
		return Output{}, errors.Join(ErrNoOutput, err)
	}
	handle, err := unix.Open(link, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return Output{}, &os.PathError{Op: "open", Path: link, Err: err}
	}
	defer unix.Close(handle)
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Output{}, errors.Join(ErrNoOutput, err)
	}
	out := Output{Path: path, Gone: st.Nlink == 0}
	if out.Gone {
		out.Path = strings.TrimSuffix(path, " (deleted)")
	}
	if out.File, err = reopen(handle, out.Path); err != nil {
		return Output{}, err
	}
	if p.Exited() { // what was read by its number may be a successor's
		out.File.Close()
		return Output{}, fmt.Errorf("pid %d: %w", p.pid, ErrGone)
	}
	return out, nil
}

// parseWrites says whether the content of /proc/PID/fdinfo/N is that of a
// descriptor that can be written to, proc_pid_fdinfo(5).
func parseWrites(raw []byte) (bool, error) {
	f := field(raw, "flags:")
	if len(f) != 1 {
		return false, fmt.Errorf("fdinfo without flags: %q", clip(raw))
	}
	flags, err := strconv.ParseUint(f[0], 8, 64)
	if err != nil {
		return false, fmt.Errorf("fdinfo: %w", err)
	}
	mode := flags & unix.O_ACCMODE
	return flags&unix.O_PATH == 0 && (mode == unix.O_WRONLY || mode == unix.O_RDWR), nil
}
