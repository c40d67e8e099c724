package aliases

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wordsTests are command lines with their words; nil: they have none, since something is missing.
var wordsTests = []struct {
	line string
	want []string
}{
	{"", []string{}},
	{" \t\n", []string{}},
	{"a  b\nc", []string{"a", "b", "c"}},
	{`"a b" 'c d'`, []string{"a b", "c d"}},
	{`a"b"'c'd`, []string{"abcd"}},
	{`"" '' a`, []string{"", "", "a"}},
	{`a\ b \"c\"`, []string{"a b", `"c"`}},
	{`"\w+\.d$" "\"\\"`, []string{`\w+\.d$`, `"\`}},
	{`'\w"\'`, []string{`\w"\`}},
	{`x #y z#`, []string{"x", "#y", "z#"}},
	{"\"a\nb\" c\\\nd", []string{"a\nb", "c\nd"}},
	{"é \u00fc", []string{"é", "ü"}},
	{`a\`, nil},
	{`"a\"`, nil},
	{`a 'b`, nil},
	{`"`, nil},
}

func TestSplitWords(t *testing.T) {
	for _, tt := range wordsTests {
		got, err := splitWords(tt.line)
		if (err != nil) != (tt.want == nil) || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
}

// TestSplitWordsLikePython holds the table against what supervisord splits with.
func TestSplitWordsLikePython(t *testing.T) {
	var lines []string
	var want [][]string
	for _, tt := range wordsTests {
		lines = append(lines, tt.line)
		want = append(want, tt.want)
	}
	text, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/usr/bin/python3", "-c", `import json, shlex, sys
def split(line):
    try:
        return shlex.split(line)
    except ValueError:
        return None
print(json.dumps([split(line) for line in json.loads(sys.argv[1])]))`, string(text)).Output()
	if err != nil {
		t.Skipf("no Python to compare with: %v", err)
	}
	var python [][]string
	if err := json.Unmarshal(out, &python); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(python, want); diff != "" {
		t.Errorf("(-Python +table):\n%s", diff)
	}
}
