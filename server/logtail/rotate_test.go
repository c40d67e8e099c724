package logtail

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFollowRotated: a writer that does not stop, and learns late that its file was
// renamed, loses no line in two hundred rotations.
func TestFollowRotated(t *testing.T) {
	const rotations, each = 200, 50
	x := newTester(t)
	defer x.f.Close()
	x.write("a", "")
	check(t, x.add("a", 0, 0))
	seen := make(chan bool, rotations)
	done := make(chan error, 1)
	go func() { done <- rotate(x.path("a"), rotations, each, seen) }() // it writes while the test reads
	next := make([]int, rotations)
	for heard := 0; heard < rotations*each; heard += len(x.heard) {
		x.heard = nil
		more, err := x.f.Step()
		check(t, err)
		if !more && len(x.heard) == 0 {
			if n, err := unix.Poll([]unix.PollFd{{Fd: int32(x.f.FD()), Events: unix.POLLIN}}, int(patience.Milliseconds())); n == 0 {
				t.Fatalf("heard %d lines of %d, %v", heard, rotations*each, err)
			}
		}
		for _, line := range x.heard {
			var file, n int
			_, err := fmt.Sscanf(line, "0 %d %d", &file, &n)
			check(t, err)
			if n != next[file] {
				t.Fatalf("of file %d: line %d, want %d", file, n, next[file])
			}
			if next[file]++; n == 0 {
				seen <- true
			}
		}
	}
	check(t, <-done)
}

// rotate writes to path, and renames it under itself, so many times, once the first
// line of the file before was seen.
func rotate(path string, rotations, each int, seen <-chan bool) error {
	for file := range rotations {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		for n := range each {
			if n == each/2 {
				<-seen
				if err := os.Rename(path, path+".1"); err != nil {
					return err
				}
			}
			if _, err := fmt.Fprintf(f, "%d %d\n", file, n); err != nil {
				return err
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
