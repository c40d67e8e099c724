package logtail

import (
	"errors"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// A Follower follows logs by their names. It is for one goroutine.
type Follower struct {
	// Trouble is told once why a log that was followed cannot be any more, though there
	// is something of its name; nil: nobody is.
	Trouble func(key int, err error)

	watches *watches
	logs    []*followed
	emit    func(key int, line []byte)
	buf     []byte
}

// A followed is one log.
type followed struct {
	Log
	key   int
	files []*reading // what had the name last, and what has it
	more  bool       // there may be more to read
	moved bool       // the name may lead elsewhere
	err   error      // why it could not be opened last
	told  string     // what of that Trouble was told
}

// A reading is a file that has the name of a log, or had it: its writer may not
// know yet that it was renamed.
type reading struct {
	file     *os.File
	dev, ino uint64
	watch    int
	offset   int64
	size     int64 // when it was added
	lines    cutter
}

const (
	// generations is how many files of one name are read.
	generations = 2
	// atOnce is how much is read of one file before the next one has its turn.
	atOnce = 1 << 20
)

// NewFollower makes a Follower that gives each line, and the key of its log, to
// emit.
func NewFollower(emit func(key int, line []byte)) (*Follower, error) {
	w, err := newWatches()
	if err != nil {
		return nil, err
	}
	return &Follower{watches: w, emit: emit, buf: make([]byte, blockSize)}, nil
}

// FD becomes readable when something has happened.
func (f *Follower) FD() int { return f.watches.fd }

// Close ends it. What was held of lines without an end is given to emit.
func (f *Follower) Close() {
	for _, l := range f.logs {
		for _, r := range l.files {
			r.lines.flush(f.emitter(l))
			r.file.Close()
		}
	}
	unix.Close(f.watches.fd)
}

// Add follows a log from its last n lines on. There may be none yet: then the error
// says why, and it is followed once there is.
func (f *Follower) Add(log Log, key, n int) (missing, err error) {
	l := &followed{Log: log, key: key}
	f.logs = append(f.logs, l)
	if err := f.resolve(l); err != nil {
		return nil, err
	}
	if len(l.files) == 0 {
		l.told = l.err.Error()
		return l.err, nil
	}
	r := l.files[0]
	info, err := r.file.Stat()
	if err != nil {
		return nil, err
	}
	whole := true
	r.size = info.Size()
	if r.offset, whole, err = start(r.file, r.size, n); err != nil {
		return nil, err
	}
	r.lines.headless = !whole
	l.more = true
	return nil, nil
}

// Begin gives emit what the logs had when they were added, as far as it is read at once,
// and says whether there is more of that: who writes without a pause cannot draw it out.
func (f *Follower) Begin() (more bool) {
	for _, l := range f.logs {
		for _, r := range l.files {
			more = r.read(f.buf, r.size, f.emitter(l)) || more
		}
	}
	return more
}

// Step gives emit what was written since the last time, as far as it is read at
// once, and says whether there is more.
func (f *Follower) Step() (more bool, err error) {
	f.watches.take(f.logs)
	for _, l := range f.logs {
		if l.more {
			l.more = f.read(l)
		}
		if l.moved && !l.more { // what has the name gives the rest first
			l.moved = false
			if err := f.resolve(l); err != nil {
				return false, err
			}
			f.tell(l)
			l.more = f.read(l)
		}
		more = more || l.more
	}
	return more, nil
}

// resolve looks at what has the name of the log now.
func (f *Follower) resolve(l *followed) error {
	if l.Held && len(l.files) > 0 {
		return nil
	}
	if !l.Held {
		if err := f.watches.way(l.Path, l); err != nil {
			return err
		}
	}
	file, err := l.open()
	l.File = nil // the next time by its name
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return err
	}
	if l.err = err; err != nil {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		file.Close()
		return err
	}
	for _, r := range l.files {
		if r.dev == uint64(st.Dev) && r.ino == st.Ino {
			file.Close()
			return nil
		}
	}
	r := &reading{file: file, dev: uint64(st.Dev), ino: st.Ino}
	if r.watch, err = f.watches.file(file.Fd(), l); err != nil {
		file.Close()
		return err
	}
	f.keep(l, r)
	return nil
}

// tell tells of a log that cannot be read.
func (f *Follower) tell(l *followed) {
	said := l.told
	if l.told = ""; l.err == nil || errors.Is(l.err, fs.ErrNotExist) {
		return
	}
	if l.told = l.err.Error(); l.told != said && f.Trouble != nil {
		f.Trouble(l.key, l.err)
	}
}

// keep adds a file to those that are read for l, the oldest going.
func (f *Follower) keep(l *followed, r *reading) {
	if l.files = append(l.files, r); len(l.files) <= generations {
		return
	}
	old := l.files[0]
	l.files = l.files[1:]
	old.lines.flush(f.emitter(l))
	f.watches.drop(old.watch, l)
	old.file.Close()
}

func (f *Follower) emitter(l *followed) func([]byte) {
	return func(line []byte) { f.emit(l.key, line) }
}

// read reads on in the files of l, and says whether there is more.
func (f *Follower) read(l *followed) bool {
	more := false
	for _, r := range l.files {
		more = r.read(f.buf, math.MaxInt64, f.emitter(l)) || more
	}
	return more
}

// read reads on, but not beyond end, and from the beginning if the file was truncated.
func (r *reading) read(buf []byte, end int64, emit func([]byte)) (more bool) {
	if info, err := r.file.Stat(); err == nil && info.Size() < r.offset {
		r.lines.flush(emit)
		r.offset = 0
	}
	for total := 0; total < atOnce && r.offset < end; {
		n, err := r.file.ReadAt(buf[:min(int64(len(buf)), end-r.offset)], r.offset)
		r.offset += int64(n)
		total += n
		r.lines.add(buf[:n], emit)
		if err != nil || n == 0 { // mostly io.EOF
			return false
		}
	}
	return r.offset < end
}
