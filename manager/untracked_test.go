package manager

import "testing"

func TestPIDs(t *testing.T) {
	tests := []struct {
		pids               []int
		listed, line, cell string
	}{
		{[]int{12}, "12", "12", "12"},
		{[]int{12, 13}, "12 and 13", "12 13", "12,13"},
		{[]int{12, 13, 14}, "12, 13 and 14", "12 13 14", "12,13,14"},
	}
	for _, tt := range tests {
		if got := listPIDs(tt.pids); got != tt.listed {
			t.Errorf("in a sentence: %q, want %q", got, tt.listed)
		}
		if got := joinPIDs(tt.pids, " "); got != tt.line {
			t.Errorf("in a line of status: %q, want %q", got, tt.line)
		}
		if got := joinPIDs(tt.pids, ","); got != tt.cell {
			t.Errorf("in a cell: %q, want %q", got, tt.cell)
		}
	}
}
