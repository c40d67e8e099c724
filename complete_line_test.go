package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSplitLine(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("X", "y z")
	tests := []struct {
		line string
		want commandLine
	}{
		{"", commandLine{}},
		{"mgr", commandLine{current: "mgr"}},
		{"mgr  a b", commandLine{words: []string{"mgr", "a"}, current: "b"}},
		{"mgr a ", commandLine{words: []string{"mgr", "a"}}},
		{`mgr '' ""`, commandLine{words: []string{"mgr", ""}}},
		{`mgr a\ b 'c d' "e f"g h`, commandLine{words: []string{"mgr", "a b", "c d", "e fg"}, current: "h"}},
		{`mgr "a\"b\c" '\' x`, commandLine{words: []string{"mgr", `a"b\c`, `\`}, current: "x"}},
		{`mgr 'a b`, commandLine{words: []string{"mgr"}, current: "a b", quote: '\''}},
		{`mgr ab"c`, commandLine{words: []string{"mgr"}, current: "abc", quote: '"'}},
		{"mgr ~/a ~ b~ ~you ", commandLine{words: []string{"mgr", "/home/me/a", "/home/me", "b~", "~you"}}},
		{`mgr $X/a "${X}" '$X' \$X $NONE $ ${X $1 `, commandLine{words: []string{"mgr", "y z/a", "y z", "$X", "$X", "$NONE", "$", "${X", "$1"}}},
		{"mgr $(reboot) $X", commandLine{words: []string{"mgr", "$(reboot)"}, current: "$X"}},
		{`mgr a\`, commandLine{words: []string{"mgr"}, current: `a\`}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, splitLine(tt.line), cmp.AllowUnexported(commandLine{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.line, diff)
		}
	}
}

// FuzzInsert: whatever the name of a conf is, and in whatever quotes the cursor
// stands, what is inserted is that name and nothing else.
func FuzzInsert(f *testing.F) {
	f.Add("object.$(reboot)", "obj", uint8(0))
	f.Add("object.`a`;b", "object.", uint8(1))
	f.Add(`object."a'\b!`, "object", uint8(2))
	f.Add("~root", "", uint8(0))
	f.Fuzz(func(t *testing.T, word, typed string, quote uint8) {
		if !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsSpace) || !strings.HasPrefix(word, typed) || strings.ContainsAny(typed, "\\'\"$~") {
			return
		}
		open := []string{"", "'", `"`}[quote%3]
		line := splitLine("mgr " + open + typed)
		r, ok := line.replaced(typed)
		if !ok {
			t.Fatalf("%q: not found", typed)
		}
		text := r.insert(word)
		if text == "" {
			return
		}
		got := splitLine("mgr " + open + text + open + " ")
		if diff := cmp.Diff([]string{"mgr", word}, got.words); diff != "" {
			t.Errorf("%q for %q within %q (-want +got):\n%s", text, word, open, diff)
		}
	})
}
