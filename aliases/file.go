package aliases

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// maxProfile is the most that is read of a profile, in bytes.
const maxProfile = 1 << 20

var (
	errNoFile   = errors.New("neither a file nor a pipe")
	errNoWriter = errors.New("a pipe without content that nobody writes to")
)

// readProfile reads the file that the operator named. It may be a pipe that has a
// writer, mgr --profile <(generate), and is then waited for until that closes it;
// what has none, as a FIFO that was left behind, is not waited for.
func readProfile(path string) ([]byte, error) {
	f, mode, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !mode.IsRegular() && mode.Type() != fs.ModeNamedPipe {
		return nil, errNoFile
	}
	data, err := readAll(f)
	if err == nil && len(data) == 0 && !mode.IsRegular() {
		err = errNoWriter
	}
	return data, err
}

// readIncluded reads a file that a profile names: nobody is there to write to a
// pipe of that name.
func readIncluded(path string) ([]byte, error) {
	f, mode, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !mode.IsRegular() {
		return nil, errors.New("no regular file")
	}
	return readAll(f)
}

// open opens what is no directory, without waiting for anybody: fifo(7).
func open(path string) (*os.File, fs.FileMode, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = unix.EISDIR
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Mode(), nil
}

func readAll(f *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err == nil && len(data) > maxProfile {
		err = fmt.Errorf("larger than %d bytes", maxProfile)
	}
	return data, err
}
