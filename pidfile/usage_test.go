package pidfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseTicks(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want time.Duration // negative: an error
	}{
		{"812 (demo-server)" + statTail, 110 * time.Millisecond},
		{"812 (a) S 1 (b)" + statTail, 110 * time.Millisecond},
		{"812 (x) S 1 2 3 4 5 6 7 8 9 10 250 50", 3 * time.Second},
		{"812 (x) S 1 2 3 4 5 6 7 8 9 10 250", -1},
		{"812 (x) S 1 2 3 4 5 6 7 8 9 10 -1 50", -1},
		{"812 (x) S 1 2 3 4 5 6 7 8 9 10 18446744073709551615 1", -1},
		{"", -1},
	} {
		got, err := parseTicks([]byte(tt.raw))
		if (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
			t.Errorf("%q: got %v, %v, want %v", tt.raw, got, err, tt.want)
		}
	}
}

func TestParseResident(t *testing.T) {
	for raw, want := range map[string]int64{
		"5000 1234 200 1 0 900 0\n": 1234, "1 0": 0,
		"": -1, "5000": -1, "5000 x": -1, "5000 -1 0": -1, "1 99999999999999999": -1,
	} {
		if got, err := parseResident([]byte(raw)); (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: got %d, %v, want %d", raw, got, err, want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	const head = "Limit                     Soft Limit           Hard Limit           Units     \n"
	for raw, want := range map[string]int64{
		head + "Max open files            1024                 524288               files     \n": 1024,
		head + "Max open files            unlimited            unlimited            files     \n": -1,
		head + "Max open filesystems      7                    7                    files     \n": -1,
		head: -1, "Max open files": -1, "Max open files -5 1": -1,
	} {
		if got := parseMaxFDs([]byte(raw)); got != want {
			t.Errorf("%q: got %d, want %d", raw, got, want)
		}
	}
	for raw, want := range map[string]int64{
		"5584c8a74000-7ffd4d4a0000 ---p 00000000 00:00 0 [rollup]\nRss: 1728 kB\nPss:                 269 kB\nPss_Dirty: 112 kB\n": 269 << 10,
		"Pss: 1 MB\n": -1, "Pss: x kB\n": -1, "Pss: -1 kB\n": -1, "Pss_Dirty: 112 kB\n": -1, "": -1,
	} {
		if got := parsePSS([]byte(raw)); got != want {
			t.Errorf("%q: got %d, want %d", raw, got, want)
		}
	}
}

// FuzzUsage: whatever /proc says, no figure is negative but those that are not known.
func FuzzUsage(f *testing.F) {
	f.Add([]byte("812 (demo)" + statTail))
	f.Add([]byte("5000 1234 200 1 0 900 0\n"))
	f.Add([]byte("Max open files            1024                 524288               files\n"))
	f.Add([]byte("Pss:                 269 kB\n"))
	f.Add([]byte("flags:\t0100001\n"))
	f.Add([]byte("9223372036854775807 9223372036854775807) 9223372036854775807 9223372036854775807"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if d, err := parseTicks(raw); d < 0 || err != nil && d != 0 {
			t.Errorf("ticks: %v, %v", d, err)
		}
		if n, err := parseResident(raw); n < 0 || n*int64(os.Getpagesize()) < 0 || err != nil && n != 0 {
			t.Errorf("resident: %d, %v", n, err)
		}
		if n := parseMaxFDs(raw); n < -1 {
			t.Errorf("descriptors: %d", n)
		}
		if n := parsePSS(raw); n < -1 {
			t.Errorf("pss: %d", n)
		}
		if writes, err := parseWrites(raw); err != nil && writes {
			t.Errorf("writes, and %v", err)
		}
	})
}

// TestUsage looks at a process that uses what it is told to use.
func TestUsage(t *testing.T) {
	d := start(t, "hungry", serverArgv)
	p := handle(t, d.pid())
	u, err := p.Usage(nil, Deep)
	check(t, err)
	entries, err := os.ReadDir(procPath(d.pid(), "fd"))
	check(t, err)
	if u.PID != d.pid() || u.CPU < hungryCPU || u.CPU > time.Minute || u.Age < u.CPU/4 || u.Age > time.Minute {
		t.Errorf("times: %+v", u)
	}
	if u.RSS < hungryMemory || u.RSS > 100*hungryMemory || u.PSS < hungryMemory || u.PSS > u.RSS {
		t.Errorf("memory: %+v", u)
	}
	var lim unix.Rlimit
	check(t, unix.Prlimit(d.pid(), unix.RLIMIT_NOFILE, nil, &lim))
	if u.FDs != len(entries) || u.MaxFDs != int64(lim.Cur) || u.Threads < 1 {
		t.Errorf("descriptors: %+v, of %d, limit %d", u, len(entries), lim.Cur)
	}
	if u, err := p.Usage(nil, Shallow); err != nil || u.PSS != -1 {
		t.Errorf("not asked for: %+v, %v", u, err)
	}
	d.kill()
	if u, err := p.Usage(nil, Shallow); !errors.Is(err, ErrGone) || u != (Usage{}) {
		t.Errorf("of what is gone: %+v, %v", u, err)
	}
}

// TestUsageForbidden: of another user's process it can be told what is there for all.
func TestUsageForbidden(t *testing.T) {
	needRoot(t)
	d := start(t, "hungry", serverArgv)
	out, err := asNobodyRun("usage", fmt.Sprint(d.pid()))
	if err != nil || !strings.HasPrefix(out, "rss PSS-1") {
		t.Errorf("got %q, %v", out, err)
	}
}

const (
	hungryCPU    = 100 * time.Millisecond
	hungryMemory = 16 << 20
)

// hungry uses memory and processor time.
func hungry() {
	hoard := make([]byte, hungryMemory)
	var used unix.Timespec
	for used.Nano() < 2*int64(hungryCPU) {
		for n := range hoard {
			hoard[n]++
		}
		must(unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used))
	}
	ready()
	leash()
	fmt.Println(len(hoard))
}

// usage says what it may know of the process that its argument names.
func usage() {
	var pid int
	_, err := fmt.Sscan(os.Args[1], &pid)
	must(err)
	p, err := Open(pid)
	must(err)
	u, err := p.Usage(nil, Deep)
	must(err)
	if u.RSS >= hungryMemory {
		fmt.Printf("rss PSS%d\n", u.PSS)
	}
}

func asNobodyRun(role string, args ...string) (string, error) {
	c := &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{role}, args...), Env: playing(role)}
	c.SysProcAttr = &unix.SysProcAttr{}
	asNobody(c)
	out, err := c.CombinedOutput()
	return string(out), err
}
