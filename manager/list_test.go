package manager

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAlign: columns are those of a terminal, whatever takes two of them, or none.
func TestAlign(t *testing.T) {
	var b strings.Builder
	align(&b, [][3]string{
		{"1", "web/日本.conf", "web/日本.pid"},
		{"10", "web/e\u0301.conf", "web/e\u0301.pid"},
		{"gone", "-", "web/x.pid"},
	})
	want := "" +
		"  1     web/日本.conf  web/日本.pid\n" +
		"  10    web/e\u0301.conf     web/e\u0301.pid\n" +
		"  gone  -              web/x.pid\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
