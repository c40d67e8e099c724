package manager

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mgr/pidfile"
	"mgr/server"
)

// TestPercent: since the start at the first look, then since the look before, whoever
// ended or was born in between.
func TestPercent(t *testing.T) {
	const s = time.Second
	usage := func(pid int, start uint64, cpu, age time.Duration) pidfile.Usage {
		return pidfile.Usage{PID: pid, Start: start, CPU: cpu, Age: age}
	}
	i := &server.Instance{}
	v := &statsView{before: map[*server.Instance]sample{}}
	if got := v.percent(i, []pidfile.Usage{usage(10, 1, s, 20*s), usage(11, 2, 3*s, 5*s)}); got != 20 {
		t.Errorf("first look: %v%%, want 20%%", got)
	}
	back := func(d time.Duration) {
		before := v.before[i]
		before.at = before.at.Add(-d)
		v.before[i] = before
	}
	near := func(got, want float64) bool { return got > want*0.9 && got <= want }
	back(10 * s)
	// 11 has ended, its number is another's; 12 is new.
	if got := v.percent(i, []pidfile.Usage{usage(10, 1, 2*s, 30*s), usage(11, 7, s, 2*s), usage(12, 8, s, 2*s)}); !near(got, 30) {
		t.Errorf("second look: %v%%, want 30%%", got)
	}
	back(10 * s)
	if got := v.percent(i, []pidfile.Usage{usage(20, 9, s, 4*s)}); got != 25 {
		t.Errorf("another server: %v%%, want 25%%", got)
	}
	if got := share(10*time.Millisecond, 20*time.Millisecond); got != 0 {
		t.Errorf("of what has just begun: %v%%", got)
	}
}

func TestSum(t *testing.T) {
	pss := int64(50)
	fds, limit := 90, int64(100)
	got := sum([]pidfile.Usage{
		{PID: 10, CPU: time.Second, Age: time.Minute, RSS: 100, PSS: 30, Threads: 2, FDs: 500, MaxFDs: 1000},
		{PID: 11, CPU: time.Second, Age: time.Second, RSS: 50, PSS: 20, Threads: 1, FDs: 90, MaxFDs: 100},
		{PID: 12, RSS: 1, FDs: -1, MaxFDs: 1},
	})
	want := stats{CPUSeconds: 2, RSS: 151, PSS: &pss, Workers: 2, Threads: 3, Descriptors: &fds, MaxFDs: &limit, Uptime: 60}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got = sum([]pidfile.Usage{{PSS: 5, FDs: -1, MaxFDs: -1}, {PSS: -1, FDs: -1, MaxFDs: -1}})
	if diff := cmp.Diff(stats{Workers: 1}, got); diff != "" {
		t.Errorf("what is not known (-want +got)\n%s", diff)
	}
}

func TestTable(t *testing.T) {
	pss, fds, limit := int64(1<<40), 10234, int64(1<<20)
	large := stats{CPUPercent: 1234.56, RSS: 999 << 30, PSS: &pss, Workers: 12345, Threads: 123456, Descriptors: &fds, MaxFDs: &limit, Uptime: 999 * 86400}
	var all table
	all.row("object-reconstructor/4", 4194304, large)
	all.row("object-server/4", 77, stats{CPUPercent: 0.04, RSS: 9 << 20, Uptime: 3.9})
	all.idle("object-updater/4", idleWord(pidfile.Dead))
	all.idle("evil\x1b", idleWord(pidfile.Stopped))
	all.sums([]stats{large, {CPUPercent: 1}})
	all.sums([]stats{large})
	var got []string
	for _, l := range all.lines() {
		got = append(got, l.text)
		if n := utf8.RuneCountInString(l.text); n > 80 {
			t.Errorf("%q has %d columns", l.text, n)
		}
	}
	want := strings.Split(`SERVER                      PID   CPU%    RSS WORKERS THREADS  UPTIME
object-reconstructor/4  4194304 1234.6 999.0G   12345  123456 999d00h
object-server/4              77    0.0   9.0M       0       0      3s
object-updater/4        dead, pidfile left
evil\x1b                not running
  sum of 2                      1235.6 999.0G   12345  123456
  min                              1.0     0K       0       0      0s
  max                           1234.6 999.0G   12345  123456 999d00h`, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	verbose := table{verbose: true}
	verbose.row("object-server/4", 4194304, stats{CPUPercent: 100, RSS: 9 << 30, PSS: &pss, Workers: 32, Threads: 64, Descriptors: &fds, MaxFDs: &limit})
	for _, l := range verbose.lines() {
		if n := utf8.RuneCountInString(l.text); n > 80 {
			t.Errorf("%q has %d columns", l.text, n)
		}
	}
}

func TestAmounts(t *testing.T) {
	for n, want := range map[int64]string{0: "0K", 512: "0K", 812 << 10: "812K", 1023 << 10: "1.0M", 25270000: "24.1M", 3 << 29: "1.5G", 5 << 50: "5120.0T"} {
		if got := sizeCell(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	for s, want := range map[float64]string{0: "0s", 59.9: "59s", 60: "1m00s", 3599: "59m59s", 3600: "1h00m", 86399: "23h59m", 86400: "1d00h", 1e6: "11d13h"} {
		if got := uptime(s); got != want {
			t.Errorf("%v: got %s, want %s", s, got, want)
		}
	}
}

// TestRedraw: the second picture stands where the first one was, and fits the screen.
func TestRedraw(t *testing.T) {
	lines := func(texts ...string) []line {
		var out []line
		for _, text := range texts {
			out = append(out, line{red, text})
		}
		return out
	}
	var b bytes.Buffer
	c := NewConsole(&b, nil, Terminal{})
	n := c.redraw(crop(lines("one", "longer than six", "three", "four"), 6, 4), 0)
	n = c.redraw(crop(lines("two"), 6, 4), n)
	c.Flush()
	want := "one\x1b[K\nlong…\x1b[K\n… an…\x1b[K\n\x1b[J" + "\x1b[3Atwo\x1b[K\n\x1b[J"
	if diff := cmp.Diff(want, b.String()); diff != "" || n != 1 {
		t.Errorf("%d lines (-want +got)\n%s", n, diff)
	}
}
