package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// hold keeps whoever executes a file waiting, by a lease on it, fcntl(2); with ! he goes
// on, and fails with ETXTBSY if it was held with -w. The file is to be an interpreter:
// commands themselves mgr reads.
func hold(ts *testscript.TestScript, letGo bool, args []string) {
	held, flags := ts.Value("held").(map[string]*os.File), os.O_RDONLY
	if args[0] == "-w" {
		args, flags = args[1:], os.O_RDWR
	}
	file, lease := args[0], unix.F_UNLCK
	if !letGo {
		lease = unix.F_WRLCK
		f, err := os.OpenFile(ts.MkAbs(file), flags, 0)
		ts.Check(err)
		ts.Defer(func() { f.Close() })
		held[file].Close() // a lease is for a file that nobody else has open
		held[file] = f
	}
	_, err := unix.FcntlInt(held[file].Fd(), unix.F_SETLEASE, lease)
	ts.Check(err)
}
