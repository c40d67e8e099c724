package conftree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// headerTests are texts, and whether they have [worker]. TestHeadersLikePython holds them against configparser.
var headerTests = []struct {
	name, text string
	want       bool
}{
	{"empty", "", false},
	{"alone", "[worker]", true},
	{"after another", "[app]\nkey = value\n[worker]\n", true},
	{"another", "[workers]\n", false},
	{"case", "[Worker]\n", false},
	{"blanks inside", "[ worker ]\n", false},
	{"CRLF", "[app]\r\nkey = value\r\n[worker]\r\n", true},
	{"CR", "[app]\rkey = value\r[worker]\r", true},
	{"comments", "# [worker]\n; [worker]\n  # [worker]\n[app]\n", false},
	{"a comment behind it", "[worker] # here\n", true},
	{"a bracket in a comment behind it", "[worker] # see [app]\n", false},
	{"in a value", "[app]\nkey = [worker]\n", false},
	{"continued value", "[app]\nkey = value\n  [worker]\n", false},
	{"continued value after an empty line", "[app]\nkey = value\n\n  [worker]\n", false},
	{"continued value after a comment", "[app]\nkey = value\n# comment\n  [worker]\n", false},
	{"continued by a tab", "[app]\nkey = value\n\t[worker]\n", false},
	{"indented like the key before it", "[app]\n  key = value\n  [worker]\n", true},
	{"indented less than the key before it", "[app]\n    key = value\n  [worker]\n", true},
	{"indented after a section", "[app]\n  [worker]\n", true},
	{"colon", "[app]\nkey: value\n  [worker]\n", false},
	{"back quote in a value", "[app]\nkey = `value\n[worker]\n", true},
	{"three quotes in a value", "[app]\nkey = \"\"\"value\n[worker]\n", true},
	{"a back slash at the end", "[app]\nkey = value\\\n[worker]\n", true},
	{"per cent signs", "[app]\nkey = 100%\nother = %(x)s %(\n[worker]\n", true},
	{"a long continued value", "[app]\nkey = value\n" + strings.Repeat("  more and more\n", 2000) + "[worker]\n", true},
	{"a long line", "[app]\nkey = " + strings.Repeat("x", 200_000) + "\n[worker]\n", true},
	// What configparser refuses is passed over.
	{"twice", "[worker]\n[worker]\n", true},
	{"no section first", "key = value\n[worker]\n", true},
	{"a line that is nothing", "[app]\nnothing\n[worker]\n", true},
	{"no key", "[app]\n= value\n[worker]\n", true},
	{"never closed", "[worker\n", false},
	{"no name", "[]\n[worker]\n", true},
	{"byte order mark", "\ufeff[worker]\n", true},
	{"no UTF-8", "[app]\nkey = \xff\xfe\n[worker]\n", true},
}

func TestHasHeader(t *testing.T) {
	for _, tt := range headerTests {
		if got := hasHeader([]byte(tt.text), "worker"); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestHasSection(t *testing.T) {
	big := strings.Repeat("#"+strings.Repeat("x", 1023)+"\n", maxConf>>10)
	root := plant(t, "dir.conf = x", "empty.conf.d/", "big = [worker]\n"+big,
		"parts.conf.d/.hidden.conf = [worker]\n", "parts.conf.d/a.ini = [worker]\n", "parts.conf.d/a.conf = [app]\n",
		"parts.conf.d/sub.conf/x.conf = [worker]\n", "parts.conf.d/loop.conf -> .",
		"broken.conf.d/a.conf -> nowhere", "broken.conf.d/b.conf = [worker]\n", "dangling.conf.d/a.conf -> nowhere")
	tests := []struct {
		path string
		want bool
		err  string
	}{
		{"nowhere", false, "no such file or directory"},
		{"empty.conf.d", false, ""},
		{"parts.conf.d", false, ""},
		{"broken.conf.d", true, ""},
		{"dangling.conf.d", false, `"a.conf": no such file or directory`},
		{"big", false, "larger than 16777216 bytes"},
	}
	for _, tt := range tests {
		got, err := hasSection(filepath.Join(root, tt.path), "worker")
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%s: got %v, %q, want %v, %q", tt.path, got, text, tt.want, tt.err)
		}
	}
	if _, err := hasSection(os.DevNull, "worker"); err == nil {
		t.Error("a device: no error")
	}
}

func FuzzHasHeader(f *testing.F) {
	for _, tt := range headerTests {
		if len(tt.text) < 1000 {
			f.Add([]byte(tt.text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		has := hasHeader(text, "worker")
		if has && !strings.Contains(string(text), "[worker]") {
			t.Errorf("%q: has a section that nothing in it names", text)
		}
		// A section at the very end is one, unless the lines before it are indented less.
		if more := append(append([]byte{}, text...), "\n[worker]\n"...); !hasHeader(more, "worker") {
			t.Errorf("%q: the section at its end is missed", text)
		}
		if with := append([]byte("#[worker]\n"), text...); !strings.HasPrefix(string(text), "\ufeff") && hasHeader(with, "worker") != has {
			t.Errorf("%q: a comment makes a difference", text)
		}
	})
}
