package server

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Shortages are the limits of the profile that the instance would not get if the
// caller started it.
func (i *Instance) Shortages() []LimitWarning {
	var out []LimitWarning
	for _, l := range i.Program.Limits {
		var have unix.Rlimit
		if unix.Getrlimit(l.Resource, &have) != nil || have.Max >= l.Value {
			continue
		}
		switch most := number("/proc/sys/fs/nr_open"); {
		case !mayRaiseLimits():
			out = append(out, LimitWarning{Key: l.Key, Want: l.Value, Max: have.Max, Err: "it takes CAP_SYS_RESOURCE to raise it"})
		case l.Resource == unix.RLIMIT_NOFILE && most > 0 && l.Value > most:
			out = append(out, LimitWarning{Key: l.Key, Want: l.Value, Max: have.Max, Err: fmt.Sprintf("fs.nr_open is %d", most)})
		}
	}
	return out
}

// mayRaiseLimits says whether the caller may raise hard limits: root may not in
// every container.
func mayRaiseLimits() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}

// A LimitWarning is about a limit that could not be set as asked.
type LimitWarning struct {
	Key       string // the profile's: limit_nofile
	Want, Max uint64 // what was asked for, and the hard limit that was in the way
	Err       string
}
