package logtail

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// naive gives the last n lines of a text, whatever they cost.
func naive(text string, n int) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = nil
	}
	return lines[max(0, len(lines)-n):]
}

func TestStart(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want int64
	}{
		{"", 1, 0}, {"a", 1, 0}, {"a\n", 1, 0}, {"a\nb", 1, 2}, {"a\nb\n", 1, 2}, {"a\nb\n", 2, 0}, {"a\nb\n", 9, 0},
		{"a\n\n", 1, 2}, {"\n\n\n", 2, 1}, {"\n", 1, 0}, {"a\nb\n", 0, 4}, {"a\nb", 0, 3},
		{strings.Repeat("x\n", 100_000), 3, 200_000 - 6}, // more than a block
		{strings.Repeat("x", 200_000) + "\nend\n", 1, 200_001},
	} {
		from, whole, err := start(strings.NewReader(tt.text), int64(len(tt.text)), tt.n)
		if from != tt.want || !whole || err != nil {
			t.Errorf("%.20q, %d: got %d, %v, %v, want %d", tt.text, tt.n, from, whole, err, tt.want)
		}
	}
	// What is promised to be there is not, since it was truncated meanwhile.
	if from, _, err := start(strings.NewReader("a\nb\n"), 300_000, 1); err != nil || from > 4 {
		t.Errorf("truncated: got %d, %v", from, err)
	}
}

// FuzzStart: the last lines are those that a reading of everything gives.
func FuzzStart(f *testing.F) {
	f.Add("a\nb\n", 1)
	f.Add("a\n\nb", 2)
	f.Add("\n\n", 1)
	f.Add(strings.Repeat("0123456789\n", 7000), 6000)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = max(0, n)
		from, whole, err := start(strings.NewReader(text), int64(len(text)), n)
		if err != nil || from < 0 || from > int64(len(text)) {
			t.Fatalf("%d, %v, %v", from, whole, err)
		}
		if whole && strings.Join(naive(text, n), "\n") != strings.TrimSuffix(text[from:], "\n") {
			t.Fatalf("%q, %d: from %d", text, n, from)
		}
	})
}

func collect(into *[]string) func([]byte) {
	return func(line []byte) { *into = append(*into, string(line)) }
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tt := range []struct {
		text  string
		lines []string // before the end
		rest  []string // at it
	}{
		{"a\nb\n", []string{"a", "b"}, nil},
		{"a\r\nb", []string{"a"}, []string{"b"}},
		{"\n\n", []string{"", ""}, nil},
		{"\x00\x00\x00a\n\x00\n", []string{"a", ""}, nil},
		{"a\x00\n", []string{"a\x00"}, nil},
		{long + "\n", []string{long}, nil},
		{long + "y\nz\n", []string{long + "…", "z"}, nil},
		{long + long + long, []string{long + "…"}, nil}, // no end of it
		{long[1:] + "é\n", []string{long[1:] + "…"}, nil},
		{strings.Repeat("\x80", maxLine+9), []string{strings.Repeat("\x80", maxLine-3) + "…"}, nil},
	} {
		var l cutter
		var got, rest []string
		l.add([]byte(tt.text), collect(&got))
		l.flush(collect(&rest))
		if diff := cmp.Diff(tt.lines, got); diff != "" {
			t.Errorf("%.20q (-want +got)\n%s", tt.text, diff)
		}
		if diff := cmp.Diff(tt.rest, rest); diff != "" {
			t.Errorf("end of %.20q (-want +got)\n%s", tt.text, diff)
		}
	}
}

// FuzzLines: in which pieces a text comes makes no difference, and no line is long.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\nc"), 1, false)
	f.Add(bytes.Repeat([]byte("é"), maxLine), 7, true)
	f.Add([]byte("\x00\x00\n\x00a\n\x80\x80\x80\x80"), 2, true)
	f.Fuzz(func(t *testing.T, text []byte, at int, headless bool) {
		at = max(0, min(at, len(text)))
		var whole, pieces []string
		a, b := cutter{headless: headless}, cutter{headless: headless}
		a.add(text, collect(&whole))
		a.flush(collect(&whole))
		b.add(text[:at], collect(&pieces))
		b.add(text[at:], collect(&pieces))
		b.flush(collect(&pieces))
		for n, line := range whole {
			if len(line) > maxLine+2*len(cutMark) || strings.Contains(line, "\n") {
				t.Fatalf("line %d has %d bytes", n, len(line))
			}
			if utf8.Valid(text) && !headless && !utf8.ValidString(line) {
				t.Fatalf("line %d: a character is cut in two", n)
			}
		}
		if diff := cmp.Diff(whole, pieces); diff != "" && !cutsRune(text) {
			t.Fatalf("at %d (-whole +pieces)\n%s", at, diff)
		}
	})
}

// cutsRune says whether a line may be cut at some character, whose place depends on the pieces.
func cutsRune(text []byte) bool {
	for _, line := range bytes.Split(text, []byte("\n")) {
		if len(line) > maxLine {
			return true
		}
	}
	return false
}

// TestLast reads the ends of files that must not be read whole.
func TestLast(t *testing.T) {
	top := t.TempDir()
	sparse := func(name string, size int64, end string) string {
		path := filepath.Join(top, name)
		f, err := os.Create(path)
		check(t, err)
		defer f.Close()
		check(t, f.Truncate(size))
		_, err = f.WriteAt([]byte(end), size)
		check(t, err)
		return path
	}
	tail := strings.Repeat("x", maxLine)
	for path, want := range map[string][]string{
		sparse("empty", 0, ""):                       nil,
		sparse("huge", 10<<30, "\na\nb\nc\n"):        {"b", "c"},
		sparse("endless", 10<<30, tail+"\nend\n"):    {"…" + tail, "end"},
		sparse("open", 10<<30, tail):                 {"…" + tail},
		sparse("holes", 10<<30, "after the hole\nb"): {"…after the hole", "b"},
	} {
		var got []string
		check(t, Last(Log{Path: path}, 2, collect(&got)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", filepath.Base(path), diff)
		}
	}
	check(t, unix.Mkfifo(top+"/fifo", 0o600))
	for _, path := range []string{top, top + "/fifo", "/dev/zero"} {
		if err := Last(Log{Path: path}, 2, nil); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
