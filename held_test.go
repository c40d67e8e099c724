package main

import (
	"os"
	"time"

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
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := unix.FcntlInt(held[file].Fd(), unix.F_SETLEASE, lease)
		// A process that another test forks has all of this one's files open until it executes its program, and nobody
		// tells when it has.
		if err != unix.EAGAIN || time.Now().After(deadline) {
			ts.Check(err)
			return
		}
	}
}
