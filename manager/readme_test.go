package manager_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mgr/manager"
)

// readmeTable gives the rows of README's table with that head, cell by cell.
func readmeTable(t *testing.T, head string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n| "+head+" |\n|---|---|\n")
	if !ok {
		t.Fatalf("README has no table with the head %q", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var rows [][]string
	for line := range strings.Lines(table) {
		rows = append(rows, strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | "))
	}
	return rows
}

// TestREADMEExits: README's exit statuses are those of help and the manual.
func TestREADMEExits(t *testing.T) {
	for head, table := range map[string][]manager.Exit{
		"status | of every command but `status`":                                    manager.Exits,
		"status | of `status`, as in the Linux Standard Base; the first that holds": manager.StatusExits,
	} {
		var want [][]string
		for _, e := range table {
			want = append(want, []string{e.Status, e.Text})
		}
		if diff := cmp.Diff(want, readmeTable(t, head)); diff != "" {
			t.Errorf("%s (-table +README):\n%s", head, diff)
		}
	}
}

// TestREADMECommands: README's table of commands has every command.
func TestREADMECommands(t *testing.T) {
	var want, got []string
	for _, c := range manager.Commands() {
		want = append(want, c.Name)
	}
	for _, row := range readmeTable(t, "command | does") {
		for _, name := range strings.Split(row[0], ", ") {
			name, _, _ = strings.Cut(strings.Trim(name, "`"), " ")
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-table +README):\n%s", diff)
	}
}

// TestREADMEFlags: README's options are those of the manual, word by word.
func TestREADMEFlags(t *testing.T) {
	var want [][]string
	for _, d := range manager.FlagDocs {
		want = append(want, []string{d.Syntax, d.Text})
	}
	if diff := cmp.Diff(want, readmeTable(t, "option | does")); diff != "" {
		t.Errorf("options (-FlagDocs +README):\n%s", diff)
	}
}
