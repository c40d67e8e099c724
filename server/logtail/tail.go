// Package logtail owns the reading of log files: where their last lines begin, what
// a line is, and how files are followed whatever becomes of them, as tail -F does.
//
// It knows no server and says nothing to anybody. It never reads a file whole, and
// opens files in the way of pidfile.ChaseFile only: no FIFO, and as root no link of
// somebody else's.
//
// What others write on network file systems the kernel does not tell: there it is
// found with the next event.
package logtail

import (
	"bytes"
	"io"
	"os"
	"unicode/utf8"

	"mgr/pidfile"
)

const (
	// maxLine is the most that is shown of a line, in bytes.
	maxLine = 8 << 10
	// maxSearch is how far back the beginning of a line is looked for, in bytes: a
	// file without line ends may be of any size.
	maxSearch = 1 << 20
	blockSize = 64 << 10
)

// cutMark stands where a line was cut.
const cutMark = "…"

// A Log is where to read.
type Log struct {
	Path string   // followed by this name
	File *os.File // read first, if it is open already; nil: it is opened by its path
	Held bool     // the path leads elsewhere: File alone counts
}

// open opens the log.
func (l Log) open() (*os.File, error) {
	if l.File != nil {
		return l.File, nil
	}
	return pidfile.ChaseFile(l.Path)
}

// Last gives the last n lines of the log, as it is now, to emit, and closes it. A
// line is emit's until it returns.
func Last(l Log, n int, emit func(line []byte)) error {
	f, err := l.open()
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	from, whole, err := start(f, info.Size(), n)
	if err != nil {
		return err
	}
	lines := cutter{headless: !whole}
	text := io.NewSectionReader(f, from, info.Size()-from)
	buf := make([]byte, min(text.Size(), blockSize))
	for {
		got, err := text.Read(buf)
		lines.add(buf[:got], emit)
		if err == io.EOF {
			lines.flush(emit)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// start gives where the last n lines begin in a text of size bytes. It reads from
// the end. Where a line is so long that its beginning is not looked for, it is the
// last of it, and whole is false.
func start(r io.ReaderAt, size int64, n int) (from int64, whole bool, err error) {
	if n == 0 {
		return size, true, nil
	}
	buf := make([]byte, min(size, blockSize))
	end := size // of the line whose beginning is looked for
	for at := size; at > 0; {
		block := buf[:min(at, blockSize)]
		at -= int64(len(block))
		got, err := r.ReadAt(block, at)
		if err != nil && err != io.EOF {
			return 0, false, err
		}
		block = block[:got] // less, if it was truncated meanwhile
		for {
			p := bytes.LastIndexByte(block, '\n')
			if p < 0 {
				break
			}
			block = block[:p]
			if at+int64(p) == size-1 {
				continue // the end of the last line
			}
			if n--; n == 0 {
				return at + int64(p) + 1, true, nil
			}
			end = at + int64(p)
		}
		if end-at > maxSearch {
			return end - maxLine, false, nil
		}
	}
	return 0, true, nil
}

// A cutter cuts a text into lines that are fit to be shown. Its zero value is at the
// beginning of a line.
type cutter struct {
	held     []byte // of a line whose end is yet to come
	skipping bool   // the rest of that line is left out
	headless bool   // the beginning of that line was left out
}

// add gives emit every line that text ends, without its line end. Of a line that is
// longer than maxLine the beginning is given at once, and the rest left out. Zero
// bytes at the beginning of a line are left out: they are what is left of a file
// that was truncated while somebody wrote at an offset of his own.
func (l *cutter) add(text []byte, emit func(line []byte)) {
	for len(text) > 0 {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		text = rest
		if !l.skipping {
			l.hold(line, emit)
		}
		if !ended {
			return
		}
		if !l.skipping {
			l.end(emit, "")
		}
		l.skipping = false
	}
}

// flush gives emit what is held of a line that has not ended.
func (l *cutter) flush(emit func(line []byte)) {
	if len(l.held) > 0 {
		l.end(emit, "")
	}
	l.skipping = false
}

func (l *cutter) hold(text []byte, emit func(line []byte)) {
	if len(l.held) == 0 {
		text = bytes.TrimLeft(text, "\x00")
	}
	room := maxLine - len(l.held)
	if len(text) <= room {
		l.held = append(l.held, text...)
		return
	}
	for back := 0; back < utf8.UTFMax-1 && room > 0 && !utf8.RuneStart(text[room]); back++ {
		room-- // no character is cut in two
	}
	l.held = append(l.held, text[:room]...)
	l.end(emit, cutMark)
	l.skipping = true
}

// end gives the line that is held to emit.
func (l *cutter) end(emit func(line []byte), mark string) {
	line := append(bytes.TrimRight(l.held, "\r"), mark...)
	if l.headless {
		for n := 1; n < utf8.UTFMax && len(line) > 0 && !utf8.RuneStart(line[0]); n++ {
			line = line[1:]
		}
		line = append([]byte(cutMark), line...)
	}
	l.headless = false
	emit(line)
	l.held = l.held[:0]
}
