package manager

import (
	"fmt"
	"strconv"
	"time"
)

// sizeCell is a number of bytes for a column of a table, in at most seven characters:
// 812K, 24.1M, 1.5G. In a sentence it is size.
func sizeCell(n int64) string {
	size, units := float64(n)/1024, "KMGT"
	for len(units) > 1 && size >= 1000 {
		size, units = size/1024, units[1:]
	}
	if units[0] == 'K' {
		return fmt.Sprintf("%.0fK", size)
	}
	return fmt.Sprintf("%.1f%c", size, units[0])
}

// uptime is a time in at most six characters or so: 48s, 12m05s, 4h12m, 3d04h.
func uptime(secs float64) string {
	d := time.Duration(secs) * time.Second
	day := 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
}

// size is a number of bytes for a sentence, with two digits or more, so that two can be
// compared at a glance: 812 KB, 24 MB, 1536 MB.
func size(n uint64) string {
	for _, unit := range []string{"B", "KB", "MB", "GB"} {
		if n < 10<<10 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		n >>= 10
	}
	return fmt.Sprintf("%d TB", n)
}

// duration reads seconds as stats have them.
func duration(secs float64) time.Duration { return time.Duration(secs * float64(time.Second)) }

// seconds prints a duration in seconds, as short as it can be told.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }

func itoa(n int) string { return strconv.Itoa(n) }

// share is a part of a time, in per cent. The kernel counts processor time in ticks of
// 10 ms: of a process that is only a few ticks old nothing can be said, and it is 0.
func share(used, of time.Duration) float64 {
	if of < 50*time.Millisecond {
		return 0
	}
	return 100 * used.Seconds() / of.Seconds()
}
