package conftree

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettings(t *testing.T) {
	root := plant(t, "plain.conf = [DEFAULT]\n# a comment\nbind_ip = ::1\nbind_port: 6200\nlong = a\n  b\n\n  c\n[app]\nbind_port = 1\n[DEFAULT]\nuser=swift\n",
		"junk.conf = [DEFAULT]\r\nbind_port 6200\r\n", "early.conf = bind_port = 6200\n[DEFAULT]\n", "unclosed.conf = [DEFAULT\nx = 1\n",
		"empty.conf = ", "nameless.conf = [a]\n= 1\n", "more.conf = [a]\n[b]\n  x = 1\n y\n",
		"d.conf.d/2.conf = [DEFAULT]\na = 2\nb = 2\n", "d.conf.d/1.conf = [DEFAULT]\na = 1\nc = 1\n", "d.conf.d/.3.conf = nothing\n", "d.conf.d/x.ini = nothing\n",
		"bad.conf.d/1.conf = nothing\n", "nul.conf = [a]\x00\n")
	for _, tt := range []struct {
		conf string
		want map[string]string
		err  string
	}{
		{"plain.conf", map[string]string{"bind_ip": "::1", "bind_port": "6200", "long": "a\nb\nc", "user": "swift"}, ""},
		{"empty.conf", map[string]string{}, ""},
		{"d.conf.d", map[string]string{"a": "2", "b": "2", "c": "1"}, ""},
		{"junk.conf", nil, `junk.conf:2: "bind_port 6200" is neither [section] nor key = value`},
		{"early.conf", nil, `early.conf:1: "bind_port" stands before any [section]`},
		{"unclosed.conf", nil, `unclosed.conf:1: "[DEFAULT" stands before any [section]`},
		{"nameless.conf", nil, `nameless.conf:2: "= 1" is neither [section] nor key = value`},
		{"more.conf", nil, `more.conf:4: "y" is neither [section] nor key = value`},
		{"bad.conf.d", nil, `bad.conf.d/1.conf:1: "nothing" stands before any [section]`},
		{"nul.conf", nil, `nul.conf": a NUL byte: this is no INI file`},
		{"nowhere.conf", nil, `nowhere.conf": no such file or directory`},
	} {
		got, err := Settings(filepath.Join(root, tt.conf), "DEFAULT")
		text := ""
		if err != nil {
			text = err.Error()
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.conf, diff)
		}
		if tt.err == "" && err != nil || !strings.HasSuffix(text, tt.err) {
			t.Errorf("%s: error %q, want %q", tt.conf, text, tt.err)
		}
	}
}

func FuzzSettings(f *testing.F) {
	for _, tt := range headerTests {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := 0
		for e := range elements(text) {
			if e.line <= before || e.text == "" {
				t.Errorf("%q: line %d after %d: %q", text, e.line, before, e.text)
			}
			before = e.line
		}
		out := map[string]string{}
		if err := settings(text, "worker", out); err == nil && len(out) > 0 && !hasHeader(text, "worker") {
			t.Errorf("%q: %q without the section", text, out)
		}
	})
}
