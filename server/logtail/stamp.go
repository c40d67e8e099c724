package logtail

import (
	"strings"
	"time"
)

// A stampLayout is how logs write a time, as package time has it.
type stampLayout struct {
	layout string
	year   bool // it says the year
}

// stampLayouts are what lines of logs begin with: ISO 8601 and Python's logging,
// nginx and Go's log, syslog (RFC 3164).
var stampLayouts = []stampLayout{
	{"2006-01-02T15:04:05", true},
	{"2006-01-02 15:04:05", true},
	{"2006/01/02 15:04:05", true},
	{"Jan _2 15:04:05", false},
}

// Stamp gives the time that a line begins with, or the first thing in brackets on
// it. Where it names no zone it is local; where it names no year it is the last one
// that was not after now.
func Stamp(line []byte, now time.Time) (time.Time, bool) {
	text := strings.TrimLeft(string(line[:min(len(line), 64)]), " [")
	for _, l := range stampLayouts {
		if len(text) < len(l.layout) {
			continue
		}
		layout := l.layout
		end := len(layout)
		end += fraction(text[end:])
		if l.year {
			zone, size := zoneLayout(text[end:])
			layout, end = layout+zone, end+size
		}
		at, err := time.ParseInLocation(layout, text[:end], time.Local)
		if err != nil {
			continue
		}
		if !l.year {
			at = latest(at, now)
		}
		return at, true
	}
	return time.Time{}, false
}

// fraction is how long the fraction of a second is that text begins with.
func fraction(text string) int {
	if text == "" || text[0] != '.' && text[0] != ',' {
		return 0
	}
	n := 1
	for n < len(text) && n < 10 && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// zoneLayout is the layout of the zone that text begins with, and how long it is
// there; none if there is none.
func zoneLayout(text string) (layout string, size int) {
	switch {
	case strings.HasPrefix(text, "Z"):
		return "Z07:00", 1
	case text == "" || text[0] != '+' && text[0] != '-':
		return "", 0
	case len(text) >= 6 && text[3] == ':':
		return "-07:00", 6
	case len(text) >= 5:
		return "-0700", 5
	}
	return "", 0
}

// latest puts a time without a year into the last year in which it is not after
// now; a clock may be a little ahead.
func latest(at, now time.Time) time.Time {
	now = now.Add(time.Hour).In(at.Location())
	for year := now.Year(); year > now.Year()-8; year-- { // the 29th of February is not in every one
		t := time.Date(year, at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), at.Location())
		if !t.After(now) && t.Month() == at.Month() {
			return t
		}
	}
	return at
}
