package manager

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mgr/aliases"
	"mgr/server"
	"mgr/server/logtail"
)

// A race is a writer that writes to a log whatever is printed of it, and gives up
// when it has written so much.
type race struct {
	log    *os.File
	left   int
	giveUp context.CancelFunc
}

func (r *race) Write(text []byte) (int, error) {
	if r.left -= len(text); r.left < 0 {
		r.giveUp()
		return len(text), nil
	}
	return r.log.Write(text)
}

// TestBegin: the last lines of a log come to an end, however fast it grows.
func TestBegin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const lines = 1 << 15
	if _, err := io.WriteString(log, strings.Repeat("a line of the log, as any other\n", lines)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := &Manager{Console: NewConsole(&race{log, 16 << 20, cancel}, io.Discard, Terminal{})}
	l := &viewed{Captured: server.Captured{Stream: "stdout", Log: logtail.Log{Path: path}}}
	l.of = []*server.Instance{{Program: &aliases.Program{Name: "demo-server"}}}
	v := &logView{m: m, lines: lines, logs: []*viewed{l}, shown: map[*server.Instance]bool{}}
	f, err := logtail.NewFollower(v.print)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := v.begin(ctx, f); err != nil || ctx.Err() != nil {
		t.Errorf("%v, %v: want it to end before the writer does", err, ctx.Err())
	}
}
