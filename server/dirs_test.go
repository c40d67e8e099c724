package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestSpace: a file system of FUSE may transfer more at a time than its blocks hold.
func TestSpace(t *testing.T) {
	st := unix.Statfs_t{Bsize: 1 << 20, Frsize: 4096, Blocks: 1000, Files: 9, Ffree: 7}
	want := Space{Free: 2 * 4096, Size: 1000 * 4096, Inodes: 7, Counted: true}
	if diff := cmp.Diff(want, space(st, 2)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
