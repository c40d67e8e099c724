package pidfile

import (
	"os"
	"time"
)

// fdBatch is how many descriptors are looked at between two looks at the clock.
const fdBatch = 256

// descriptorsUntil gives the descriptors of the process pid to visit, as numbers, as
// far as they may be seen and the limit lets it get, zero standing for none.
func descriptorsUntil(pid int, limit time.Time, visit func(number string)) {
	f, err := os.Open(procPath(pid, "fd"))
	if err != nil {
		return
	}
	defer f.Close()
	for limit.IsZero() || time.Now().Before(limit) {
		names, err := f.Readdirnames(fdBatch)
		for _, name := range names {
			visit(name)
		}
		if err != nil {
			break
		}
	}
}

// searchAll gives all processes to look, with the moment at which to be through with it,
// until it has found what it looks for. Anybody may have a million descriptors: all
// searches of a Reader take no longer than its patience, nor any process more than an
// eighth of that. Interrupted, they end.
func (rd *Reader) searchAll(look func(pid int, limit time.Time) (found bool)) {
	pids, err := processes()
	if err != nil {
		return
	}
	began := time.Now()
	limit := began.Add(rd.searchTime())
	defer func() { rd.searched(time.Since(began)) }()
	for _, pid := range pids {
		now := time.Now()
		if now.After(limit) || rd.inHurry() {
			return
		}
		share := now.Add(rd.Glances())
		if share.After(limit) {
			share = limit
		}
		if look(pid, share) {
			return
		}
	}
}
