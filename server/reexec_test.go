package server

import "testing"

// TestWanted: how many workers a server will have again.
func TestWanted(t *testing.T) {
	for name, tt := range map[string]struct {
		workers   []worker
		successor int
		want      int
	}{
		"none":                             {nil, 0, 0},
		"forks":                            {[]worker{{11, "old"}, {12, "old"}}, 0, 2},
		"one from the time before":         {[]worker{{11, "older"}, {12, "old"}}, 0, 1},
		"programs of their own":            {[]worker{{11, "a"}, {12, "b"}}, 0, 2},
		"a successor":                      {[]worker{{11, "old"}, {12, "old"}}, 20, 2},
		"one that was asked for before":    {[]worker{{20, "new"}}, 20, 0},
		"the same, before its execve(2)":   {[]worker{{20, "old"}}, 20, 0},
		"the same, beside a worker":        {[]worker{{11, "old"}, {20, "old"}}, 20, 1},
		"the same, beside another program": {[]worker{{11, "a"}, {20, "new"}}, 20, 1},
	} {
		r := Reexec{image: "old", workers: tt.workers, Successor: tt.successor}
		if got := r.wanted(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}
