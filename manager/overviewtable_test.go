package manager

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mgr/pidfile"
)

// narrowRows are of every kind: names that are too long, wide, or hardly there.
func narrowRows(o *overview) []overviewRow {
	return []overviewRow{
		{state: pidfile.Malformed, cells: [overviewCells]string{"container-reconciler", "日本語日本語日本語", "malformed", "-", "-", "-", "-", "-"},
			below: o.below("", "its pidfile /run/日本語/very-long-name-without-a-blank.pid holds no pid")},
		{state: pidfile.Running, cells: [overviewCells]string{"web", "1", "running", "4194303", "12m05s", "124.1M", "12", "6010,6011,6012,6013"}},
		{state: pidfile.Stopped, cells: [overviewCells]string{"x", "-", "stopped", "-", "-", "-", "-", "-"}},
	}
}

// TestLayoutNarrow: whatever the terminal, no line is longer than it is, and each
// instance has its row with its state.
func TestLayoutNarrow(t *testing.T) {
	for columns := 1; columns <= 120; columns++ {
		var out strings.Builder
		m := &Manager{Console: NewConsole(&out, io.Discard, Terminal{Columns: columns, Rows: 24})}
		o := &overview{m: m}
		o.rows = narrowRows(o)
		m.sentence("3 instances: 1 malformed, 1 not running, 1 running")
		for _, l := range o.layout(columns) {
			m.Console.Print(l)
		}
		m.Console.Flush()
		states := 0
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if width(line) > max(columns, 2) { // a wide character takes two
				t.Errorf("%d columns: %q takes %d", columns, line, width(line))
			}
			for _, state := range []string{"malformed", "running", "stopped"} {
				if strings.HasPrefix(line, fit(state, columns)) || strings.Contains(line+" ", " "+state+" ") {
					states++
				}
			}
		}
		if columns >= 3 && states < 3 {
			t.Errorf("%d columns: %d states in\n%s", columns, states, out.String())
		}
	}
}

// TestLayoutFalls: what goes first where there is too little room.
func TestLayoutFalls(t *testing.T) {
	for _, tt := range []struct {
		columns int
		want    string
	}{
		{80, "web  1  running  4194303  12m05s  124.1M  12  6010,6011,6012,6013"},
		{52, "web 1 running 4194303 12m05s 124.1M 6010,6011…"},
		{40, "web 1 running 4194303 12m05s 6010…"},
		{30, "web 1 running 4194303"},
		{20, "web 1 running"},
		{15, "running web/1"},
		{10, "running w…"},
		{5, "runn…"},
		{1, "…"},
	} {
		o := &overview{m: &Manager{Console: NewConsole(io.Discard, io.Discard, Terminal{Columns: tt.columns, Rows: 24})}}
		o.rows = narrowRows(o)[1:2]
		lines := o.layout(tt.columns)
		got := strings.Join(strings.Fields(lines[len(lines)-1]), " ")
		if diff := cmp.Diff(strings.Join(strings.Fields(tt.want), " "), got); diff != "" {
			t.Errorf("%d columns (-want +got)\n%s", tt.columns, diff)
		}
	}
}
