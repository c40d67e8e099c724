package pidfile

import (
	"context"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func newWaiter(t *testing.T, ctx context.Context) *Waiter {
	t.Helper()
	w, err := NewWaiter(ctx)
	check(t, err)
	t.Cleanup(w.Close)
	return w
}

// wait waits, but not for ever.
func wait(t *testing.T, w *Waiter) []int {
	t.Helper()
	keys, err := w.Wait(time.Now().Add(patience))
	check(t, err)
	slices.Sort(keys)
	return keys
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	check(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestWaiter(t *testing.T) {
	w := newWaiter(t, t.Context())
	r1, w1 := pipe(t)
	r2, w2 := pipe(t)
	check(t, w.Add(int(r1.Fd()), 1))
	check(t, w.Add(int(r2.Fd()), 0))
	if err := w.Add(int(r1.Fd()), 1); err == nil {
		t.Error("added twice")
	}
	_, err := w1.WriteString("x")
	check(t, err)
	for range 2 { // as long as it is readable
		if diff := cmp.Diff([]int{1}, wait(t, w)); diff != "" {
			t.Errorf("written to (-want +got)\n%s", diff)
		}
	}
	check(t, w2.Close())
	if diff := cmp.Diff([]int{0, 1}, wait(t, w)); diff != "" {
		t.Errorf("and closed (-want +got)\n%s", diff)
	}
	w.Remove(int(r1.Fd()))
	w.Remove(int(r1.Fd())) // harmless
	if diff := cmp.Diff([]int{0}, wait(t, w)); diff != "" {
		t.Errorf("after Remove (-want +got)\n%s", diff)
	}
	file, err := os.Open(put(t, t.TempDir(), "file", ""))
	check(t, err)
	defer file.Close()
	if err := w.Add(int(file.Fd()), 2); err == nil {
		t.Error("a file was added")
	}
}

// TestWaiterMany waits for more processes and pipes than one look returns.
func TestWaiterMany(t *testing.T) {
	w := newWaiter(t, t.Context())
	const n = 300
	want := map[int]int{} // descriptor by key
	for key := range n {
		r, wr := pipe(t)
		check(t, wr.Close())
		want[key] = int(r.Fd())
		check(t, w.Add(want[key], key))
	}
	d := start(t, "good", serverArgv)
	p := handle(t, d.pid())
	want[n] = p.FD()
	check(t, w.Add(p.FD(), n))
	check(t, p.Signal(unix.SIGKILL))
	for len(want) > 0 {
		keys := wait(t, w)
		if len(keys) == 0 {
			t.Fatalf("%d are missing", len(want))
		}
		for _, key := range keys {
			fd, ok := want[key]
			if !ok {
				t.Fatalf("key %d again", key)
			}
			w.Remove(fd)
			delete(want, key)
		}
	}
}

func TestWaiterDeadline(t *testing.T) {
	w := newWaiter(t, t.Context())
	r, _ := pipe(t)
	check(t, w.Add(int(r.Fd()), 0))
	for _, d := range []time.Duration{-time.Hour, 0, time.Nanosecond, 5 * time.Millisecond} {
		deadline := time.Now().Add(d)
		keys, err := w.Wait(deadline)
		if len(keys) > 0 || err != nil || time.Now().Before(deadline) {
			t.Errorf("%v: %v, %v", d, keys, err)
		}
	}
}

// TestWaiterIdle waits without work to do: it must cost no time of the CPU.
func TestWaiterIdle(t *testing.T) {
	w := newWaiter(t, t.Context())
	r, _ := pipe(t)
	check(t, w.Add(int(r.Fd()), 0))
	d := start(t, "good", serverArgv)
	check(t, w.Add(handle(t, d.pid()).FD(), 1))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Rusage
	check(t, unix.Getrusage(unix.RUSAGE_THREAD, &before))
	if keys, err := w.Wait(time.Now().Add(200 * time.Millisecond)); len(keys) > 0 || err != nil {
		t.Errorf("%v, %v", keys, err)
	}
	check(t, unix.Getrusage(unix.RUSAGE_THREAD, &after))
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	if used > 50*time.Millisecond {
		t.Errorf("waited 200 ms and worked %v", used)
	}
}

func TestWaiterCancelled(t *testing.T) {
	before := descriptors(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		w, err := NewWaiter(ctx)
		check(t, err)
		got := make(chan error, 1)
		go func() {
			keys, err := w.Wait(time.Time{}) // no deadline
			if len(keys) > 0 {
				t.Errorf("keys %v", keys)
			}
			got <- err
		}()
		cancel()
		select {
		case err := <-got:
			check(t, err)
		case <-time.After(patience):
			t.Fatal("still waiting")
		}
		if keys := wait(t, w); len(keys) > 0 { // and ever after
			t.Errorf("keys %v", keys)
		}
		w.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, err := NewWaiter(ctx)
	check(t, err)
	if keys := wait(t, w); len(keys) > 0 {
		t.Errorf("cancelled before: %v", keys)
	}
	w.Close()
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// TestWaiterGoOn: who goes on though he was told to end waits as before.
func TestWaiterGoOn(t *testing.T) {
	for _, ended := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		w := newWaiter(t, ctx)
		r, wr := pipe(t)
		check(t, w.Add(int(r.Fd()), 3))
		if ended {
			cancel()
		}
		w.GoOn()
		cancel()
		deadline := time.Now().Add(20 * time.Millisecond)
		if keys, err := w.Wait(deadline); len(keys) > 0 || err != nil || time.Now().Before(deadline) {
			t.Errorf("%v: %v, %v before the deadline", ended, keys, err)
		}
		check(t, wr.Close())
		if keys := wait(t, w); !slices.Equal(keys, []int{3}) {
			t.Errorf("%v: keys %v", ended, keys)
		}
	}
}

func TestTimeout(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		deadline time.Time
		min, max int
	}{
		{time.Time{}, -1, -1},
		{now.Add(-time.Hour), 0, 0},
		{now, 0, 0},
		{now.Add(time.Hour), 3_590_000, 3_600_000},
		{now.Add(1000 * time.Hour), 1 << 30, 1 << 30},
		{now.Add(math.MaxInt64), 1 << 30, 1 << 30},
		{now.AddDate(1000, 0, 0), 1 << 30, 1 << 30},
	} {
		if got := timeout(tt.deadline); got < tt.min || got > tt.max {
			t.Errorf("timeout(now + %v) = %d, want %d to %d", tt.deadline.Sub(now), got, tt.min, tt.max)
		}
	}
}

// TestWaiterHangup: the end of who reads is told, what he writes is not.
func TestWaiterHangup(t *testing.T) {
	w, err := NewWaiter(t.Context())
	check(t, err)
	defer w.Close()
	file, err := os.Create(t.TempDir() + "/x")
	check(t, err)
	defer file.Close()
	check(t, w.AddHangup(int(file.Fd()), 1)) // nobody reads a file
	r, out, err := os.Pipe()
	check(t, err)
	defer out.Close()
	check(t, w.AddHangup(int(out.Fd()), 2))
	if keys, err := w.Wait(time.Now()); len(keys) != 0 || err != nil {
		t.Errorf("while it is read: %v, %v", keys, err)
	}
	r.Close()
	if keys, err := w.Wait(time.Now().Add(patience)); !slices.Equal(keys, []int{2}) || err != nil {
		t.Errorf("once nobody reads: %v, %v", keys, err)
	}
}
