package aliases

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readmePart gives README's text between a heading and the next one.
func readmePart(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "\n### "+heading+"\n")
	if !ok {
		t.Fatalf("README has no part %q", heading)
	}
	part, _, _ = strings.Cut(part, "\n#")
	return part
}

// tableRows gives what stands in the first column of a part's first table.
func tableRows(part string) []string {
	_, table, _ := strings.Cut(part, "|---|")
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^|]*)` \\|").FindAllStringSubmatch(table, -1) {
		rows = append(rows, strings.Split(m[1], "`, `")...)
	}
	return rows
}

// TestREADME: every key stands in README's table of keys, or among those that mean nothing, and nothing else does.
func TestREADME(t *testing.T) {
	part := readmePart(t, "Keys of a program")
	rows := tableRows(part)
	_, accepted, ok := strings.Cut(part, "These of supervisord are accepted")
	if !ok {
		t.Fatal("README does not say which keys mean nothing")
	}
	accepted, _, _ = strings.Cut(accepted, "; and the\nsections")
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(accepted, -1) {
		rows = append(rows, m[1])
	}
	slices.Sort(rows)
	if diff := cmp.Diff(sortedKeys(keys()), rows); diff != "" {
		t.Errorf("keys (-parser +README):\n%s", diff)
	}

	text := readmePart(t, "Sections") + part
	for _, s := range sections {
		name, _, named := strings.Cut(s.name, ":")
		if !strings.Contains(text, "`["+name+"]`") && !(named && strings.Contains(text, "`["+name+":")) {
			t.Errorf("README does not mention [%s]", s.name)
		}
	}
	for _, key := range sortedKeys(inherited()) {
		if !strings.Contains(readmePart(t, "Sections"), "`"+key+"`") {
			t.Errorf("README does not say what %s of [supervisord] means", key)
		}
	}
}
