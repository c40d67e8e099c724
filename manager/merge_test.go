package manager

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	g := &gathered{now: time.Now(), last: map[int]time.Time{}}
	for _, l := range []struct {
		key  int
		text string
	}{
		{0, "before"}, {0, "2026-11-21 03:00:02 b"}, {0, "  more of b"}, {0, "2026-11-21 03:00:01 the clock went back"}, {0, "2026-11-21 03:00:05 f"},
		{1, "no time at all"}, {1, "nor here"},
		{2, "2026-11-21T03:00:01 a"}, {2, "2026-11-21T03:00:02 c"}, {2, "2026-11-21T03:00:03 d"}, {2, "2026-11-21T03:00:05 g"},
	} {
		g.add(l.key, []byte(l.text))
	}
	var got []string
	for _, l := range g.sorted() {
		got = append(got, l.text)
	}
	want := []string{
		"no time at all", "nor here", "2026-11-21T03:00:01 a", "before", "2026-11-21 03:00:02 b", "  more of b",
		"2026-11-21 03:00:01 the clock went back", "2026-11-21T03:00:02 c", "2026-11-21T03:00:03 d", "2026-11-21 03:00:05 f", "2026-11-21T03:00:05 g",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSyslogs(t *testing.T) {
	there := func(paths ...string) func(string) bool {
		return func(path string) bool {
			for _, p := range paths {
				if p == path {
					return true
				}
			}
			return false
		}
	}
	for _, tt := range []struct {
		exists func(string) bool
		want   []string
	}{
		{there(), nil},
		{there("/var/log/syslog"), []string{"it may log to syslog: grep object-server /var/log/syslog"}},
		{there("/run/systemd/journal/socket"), []string{"it may log to the journal: journalctl -t object-server"}},
	} {
		if diff := cmp.Diff(tt.want, syslogs("object-server", tt.exists)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
