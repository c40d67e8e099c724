package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scenario is one story that is told to both sides.
//
// The files of testdata/parity have one for each "-- name --". A line is a step: a verb and its words (see verbs and
// tree.run). What comes behind a run step or behind "end" and begins with one of these belongs to it:
//
//	differs KEY...: exit N    mgr does something else here, because of the differences of the list with these keys
//	may differ KEY...: exit N the same, where swift-init's side depends on who is faster
//	> LINE                    a line of what mgr gives there; all of them have to be there, and no more
//	interrupt PROGRAM CONF N EVENT    send INT to the manager once the server's log has N such lines
type scenario struct {
	topic, name string
	steps       []step
}

// step is one line of a scenario; the last of each is "end".
type step struct {
	verb, rest string
	want       *expectation // nil: both sides do the same
	interrupt  string       // the condition for an interrupt; "": none
}

func (s step) String() string { return strings.TrimSpace(s.verb + " " + s.rest) }

// expectation is mgr's side of a declared difference.
type expectation struct {
	may   bool // swift-init may do the same this time
	keys  []string
	exit  string
	lines []string
}

func readScenarios(t *testing.T) []scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/parity/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var all []scenario
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		topic := strings.TrimSuffix(filepath.Base(file), ".txtar")
		some, err := parseScenarios(topic, string(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, some...)
	}
	return all
}

// parseScenarios reads one file; what is above the first "-- name --" is a comment.
func parseScenarios(topic, text string) ([]scenario, error) {
	var all []scenario
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		name, isHeading := strings.CutPrefix(line, "-- ")
		switch {
		case isHeading:
			all = append(all, scenario{topic: topic, name: strings.TrimSuffix(name, " --")})
		case len(all) == 0 || line == "" || strings.HasPrefix(line, "#"):
		default:
			if err := all[len(all)-1].add(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
	}
	for i := range all {
		all[i].finish()
	}
	return all, nil
}

// add takes one line into the scenario.
func (s *scenario) add(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	rest, may := strings.CutPrefix(rest, "differ ")
	if may = may && verb == "may"; may {
		verb = "differs"
	}
	if verb != ">" && verb != "differs" && verb != "interrupt" {
		if _, ok := verbs[verb]; !ok {
			return fmt.Errorf("unknown step %q", verb)
		}
		s.steps = append(s.steps, step{verb: verb, rest: rest})
		return nil
	}
	if len(s.steps) == 0 {
		return fmt.Errorf("%q belongs to no step", line)
	}
	last := &s.steps[len(s.steps)-1]
	switch {
	case verb == "interrupt":
		last.interrupt = rest
	case verb == "differs":
		keys, exit, _ := strings.Cut(rest, ": exit ")
		last.want = &expectation{may: may, keys: strings.Fields(keys), exit: exit}
	case last.want == nil:
		return fmt.Errorf("%q belongs to no difference", line)
	default:
		last.want.lines = append(last.want.lines, rest)
	}
	return nil
}

// finish sees to it that the last step is the end.
func (s *scenario) finish() {
	if n := len(s.steps); n == 0 || s.steps[n-1].verb != "end" {
		s.steps = append(s.steps, step{verb: "end"})
	}
}

func TestParseScenarios(t *testing.T) {
	all, err := parseScenarios("topic", `A comment.
-- one --
run object start
  differs a b: exit 0
  > a line
-- two --
end
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || len(all[0].steps) != 2 || len(all[1].steps) != 1 {
		t.Fatalf("got %+v", all)
	}
	if want := all[0].steps[0].want; want.exit != "0" || len(want.keys) != 2 || want.lines[0] != "a line" {
		t.Errorf("got %+v", want)
	}
	for _, bad := range []string{"-- x --\n> line", "-- x --\nfly away", "-- x --\nend\n> line"} {
		if _, err := parseScenarios("topic", bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
