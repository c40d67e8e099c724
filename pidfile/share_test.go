package pidfile

import "testing"

func TestSharers(t *testing.T) {
	for _, tt := range []struct {
		limit uint64
		procs int
		want  int
	}{
		{0, 2, 1},
		{16, 2, 1},
		{21, 2, 1},
		{22, 2, 2},
		{64, 2, 2},
		{64, 128, 16},
		{1024, 128, 128},
		{1<<64 - 1, 128, 128},
	} {
		if got := sharersOf(tt.limit, tt.procs); got != tt.want {
			t.Errorf("%d descriptors, %d processors: %d, want %d", tt.limit, tt.procs, got, tt.want)
		}
	}
}
