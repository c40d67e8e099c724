package logtail

import (
	"testing"
	"time"
)

func TestStamp(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	local := func(y, mo, d, h, mi, s, ms int) time.Time {
		return time.Date(y, time.Month(mo), d, h, mi, s, ms*1e6, time.Local)
	}
	utc := time.Date(2026, 2, 21, 6, 50, 58, 0, time.UTC)
	for line, want := range map[string]time.Time{
		"2026-02-21 06:50:58,123 INFO started":         local(2026, 2, 21, 6, 50, 58, 123),
		"2026-02-21T06:50:58Z x":                       utc,
		"2026-02-21T06:50:58.5Z":                       utc.Add(time.Second / 2),
		"2026-02-21T08:50:58+02:00 host x":             utc,
		"[2026-02-21 03:50:58 -0300] [812] [INFO] x":   local(2026, 2, 21, 3, 50, 58, 0), // a blank before the zone
		"[2026-02-21T03:50:58-0300]":                   utc,
		"2026/02/21 06:50:58 [emerg] 137#137: x":       local(2026, 2, 21, 6, 50, 58, 0),
		"Feb 21 06:50:58 host object-server: x":        local(2026, 2, 21, 6, 50, 58, 0),
		"Mar  1 12:30:00 host x":                       local(2026, 3, 1, 12, 30, 0, 0),
		"Dec 31 23:59:59 host x":                       local(2025, 12, 31, 23, 59, 59, 0),
		"Feb 29 00:00:00 host x":                       local(2024, 2, 29, 0, 0, 0, 0),
		"2026-02-21 06:50:58":                          local(2026, 2, 21, 6, 50, 58, 0),
		"2026-02-21 06:50:58, then":                    local(2026, 2, 21, 6, 50, 58, 0),
		"":                                             {},
		"2026-02-21":                                   {},
		"2026-02-31 06:50:58 x":                        {},
		"2026-02-21 26:50:58 x":                        {},
		"Traceback (most recent call last):":           {},
		"812:M 21 Feb 2026 06:50:58.123 * Ready":       {},
		"2026-02-21T06:50:58\xff\xfe":                  local(2026, 2, 21, 6, 50, 58, 0),
		"2026-02-21T06:50:58+99:00 is no zone of this": {},
	} {
		got, ok := Stamp([]byte(line), now)
		if !got.Equal(want) || ok == want.IsZero() {
			t.Errorf("%q: got %v, %v, want %v", line, got, ok, want)
		}
	}
}

// FuzzStamp: what was read, written anew, is read as the same.
func FuzzStamp(f *testing.F) {
	for _, seed := range []string{"2026-02-21T06:50:58.123456789+02:00", "Feb 29 00:00:00 x", "[2026/02/21 06:50:58", "2026-02-21 06:50:58,", "0000-01-01 00:00:00Z", "-+Z"} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, line []byte) {
		at, ok := Stamp(line, now)
		if !ok {
			if !at.IsZero() {
				t.Fatalf("%q: %v", line, at)
			}
			return
		}
		again, ok := Stamp([]byte(at.UTC().Format(time.RFC3339Nano)), now)
		if year := at.UTC().Year(); 0 <= year && year < 10000 && (!ok || !again.Equal(at)) {
			t.Fatalf("%q: %v, and again %v", line, at, again)
		}
	})
}
