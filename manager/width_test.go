package manager

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFitWide: what a terminal shows in two columns, or in none, counts so.
func TestFitWide(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"web/abc", 7, "web/abc"},
		{"web/abcd", 7, "web/ab…"},
		{"web/日本", 8, "web/日本"},
		{"web/日本語", 8, "web/日…"},
		{"web/日本語", 7, "web/日…"},
		{"e\u0301te\u0301", 3, "e\u0301te\u0301"},
		{"日本", 1, "…"},
		{"日本", 0, "…"},
	} {
		if diff := cmp.Diff(c.want, fit(c.text, c.columns)); diff != "" {
			t.Errorf("%q in %d columns (-want +got)\n%s", c.text, c.columns, diff)
		}
	}
	for _, l := range wrapped(strings.Repeat("日本語", 20), 40) {
		if width(l) > 40 {
			t.Errorf("%q takes %d columns", l, width(l))
		}
	}
	if got := padded("日本", 6) + "|"; got != "日本  |" {
		t.Errorf("padded: %q", got)
	}
}
