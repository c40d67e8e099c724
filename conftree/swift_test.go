package conftree

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The confs of a server and their pidfiles as Swift's own module finds them, for many questions at once.
const askSwift = `
import json, os, sys
from swift.common import manager
answers = []
for q in json.load(sys.stdin):
    manager.SWIFT_DIR = q['Root']
    try:
        server = manager.Server(q['Server'], q['Run'])
        rows = [[os.path.relpath(c, q['Root']), os.path.relpath(server.get_pid_file_name(c), q['Run'])]
                for c in server.conf_files(quiet=True)]
        answers.append({'Rows': rows})
    except Exception as e:
        answers.append({'Failed': str(e)})
json.dump(answers, sys.stdout)
`

// Which of the texts have the section, or None for what Python refuses.
const askConfigparser = `
import configparser, json, sys
answers = []
for text in json.load(sys.stdin):
    c = configparser.ConfigParser()
    try:
        c.read_string(text.replace('\r\n', '\n').replace('\r', '\n'))
        answers.append(c.has_section('worker'))
    except configparser.Error:
        answers.append(None)
json.dump(answers, sys.stdout)
`

// ask runs one Python with the script, or skips the test where the module is missing.
func ask(t *testing.T, module, script string, question, answer any) {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
		t.Skipf("nothing to compare with: %s -c %q: %v", python, "import "+module, err)
	}
	data, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatal(err)
	}
}

// query is one question to Swift, and what mgr has to search for to answer it.
type query struct {
	Root, Run, Server string

	program  string
	name     string // of the conf; "": all
	searches []Search
}

type answer struct {
	Rows   [][2]string // conf below the root, pidfile below the run directory
	Failed string
}

// queries are all that is asked of one tree.
func queries(root string) []query {
	object, account := Search{Base: "object-server"}, Search{Base: "account-server"}
	reconciler := Search{Base: "container-reconciler"}
	expirer := []Search{{Base: "object-server", Section: "object-expirer"}, {Base: "object-expirer"}}
	run := filepath.Join(filepath.Dir(root), "run")
	return []query{
		{root, run, "object", "object-server", "", []Search{object}},
		{root, run, "object-replicator", "object-replicator", "", []Search{object}},
		{root, run, "object.1", "object-server", "1", []Search{object}},
		{root, run, "object-auditor.1", "object-auditor", "1", []Search{object}},
		{root, run, "object.A", "object-server", "A", []Search{object}},
		{root, run, "account-reaper", "account-reaper", "", []Search{account}},
		{root, run, "container-reconciler", "container-reconciler", "", []Search{reconciler}},
		{root, run, "object-expirer", "object-expirer", "", expirer},
	}
}

// found is what mgr answers.
func (q query) found(t *testing.T) (rows [][2]string) {
	t.Helper()
	for _, s := range q.searches {
		confs, err := Find(q.Root, s)
		if err != nil && s.Section == "" {
			t.Fatal(err)
		}
		for _, c := range confs {
			if q.name == "" || c.Name == q.name {
				rows = append(rows, [2]string{c.Rel, c.Pidfile(q.program)})
			}
		}
		if rows != nil {
			return rows
		}
	}
	return nil
}

// differences are the deliberate ones. Each has to be needed by some tree.
var differences = []struct {
	name string
	// excuses says whether the difference explains a row that only one side has.
	excuses func(q query, row [2]string, swifts bool) bool
}{
	{"conf names are exact, swift-init takes what ends so", func(q query, row [2]string, swifts bool) bool {
		return swifts && q.name != "" && stem(filepath.Base(row[0])) != strings.ToLower(q.name)
	}},
	{"swift-init lower-cases conf names", func(q query, row [2]string, swifts bool) bool {
		return q.name != strings.ToLower(q.name)
	}},
	{"a conf by name is not looked for inside of another conf directory", func(q query, row [2]string, swifts bool) bool {
		return swifts && q.name != "" && strings.Contains(row[0], dirExt+"/")
	}},
	{"a conf directory ends swift-init's walk, its parent's siblings included", func(q query, row [2]string, swifts bool) bool {
		top, _, _ := strings.Cut(row[0], "/")
		return !swifts && q.name == "" && holdsConfDir(filepath.Join(q.Root, top))
	}},
	{"a pidfile's name follows from components, swift-init replaces texts", func(q query, row [2]string, swifts bool) bool {
		return strings.Contains(strings.TrimSuffix(strings.TrimSuffix(row[0], confExt), dirExt), confExt) ||
			strings.HasPrefix(row[0], "object-expirer") && strings.Contains(row[0], "object-server")
	}},
}

func holdsConfDir(dir string) bool {
	found := false
	walkDirs(dir, func(path string) { found = found || strings.HasSuffix(path, dirExt) })
	return found
}

// TestLikeSwift holds Find and Pidfile against search_tree and get_pid_file_name on generated trees.
func TestLikeSwift(t *testing.T) {
	const trees = 300
	random := rand.New(rand.NewPCG(1, 2))
	var all []query
	for range trees {
		root := filepath.Join(t.TempDir(), "conf")
		plantAt(t, root, "./")
		grow(t, random, root)
		all = append(all, queries(root)...)
	}
	var answers []answer
	ask(t, "swift.common.manager", askSwift, all, &answers)
	needed := map[string]bool{}
	rows := 0
	for i, q := range all {
		if answers[i].Failed != "" { // a traceback, for object-expirer
			if len(q.searches) != 2 {
				t.Errorf("swift-init failed: %s", answers[i].Failed)
			}
			continue
		}
		rows += len(answers[i].Rows)
		compareRows(t, q, answers[i].Rows, q.found(t), needed)
	}
	for _, d := range differences {
		if !needed[d.name] {
			t.Errorf("no tree shows the difference: %s", d.name)
		}
	}
	t.Logf("%d trees, %d questions, %d confs", trees, len(all), rows)
}

func compareRows(t *testing.T, q query, swifts, mgrs [][2]string, needed map[string]bool) {
	t.Helper()
	strange := 0
	check := func(rows, others [][2]string, isSwifts bool) {
		for _, row := range rows {
			if slices.Contains(others, row) {
				continue
			}
			strange++
			excused := false
			for _, d := range differences {
				if d.excuses(q, row, isSwifts) {
					needed[d.name], excused = true, true
				}
			}
			if !excused {
				t.Errorf("%s in %s: swift-init's %v: %q", q.Server, q.Root, isSwifts, row)
			}
		}
	}
	check(swifts, mgrs, true)
	check(mgrs, swifts, false)
	if strange == 0 {
		if diff := cmp.Diff(swifts, mgrs, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s in %s: order (-swift-init +mgr):\n%s", q.Server, q.Root, diff)
		}
	}
}

func TestHeadersLikePython(t *testing.T) {
	var texts []string
	for _, tt := range headerTests {
		texts = append(texts, strings.ToValidUTF8(tt.text, "?"))
	}
	lines := []string{"[worker]", "[app]", "key = value", "key2: value", "  more", "  key3 = value", "\t[worker]", "    [worker]", "  [worker]",
		" ", "", "# comment", "  ; comment", "key4 = `x", "key5 = \"\"\"x", "[worker] x", "[worker] x ]", "key6 = \\", "key7 ="}
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		text := "[first]\n"
		for _, i := range random.Perm(len(lines))[:random.IntN(9)] {
			text += lines[i] + "\n"
		}
		texts = append(texts, text)
	}
	var answers []*bool
	ask(t, "configparser", askConfigparser, texts, &answers)
	accepted := 0
	for i, text := range texts {
		if answers[i] == nil {
			continue
		}
		accepted++
		if got := hasHeader([]byte(text), "worker"); got != *answers[i] {
			t.Errorf("%q: got %v, Python %v", text, got, *answers[i])
		}
	}
	if accepted < 1000 {
		t.Errorf("Python accepted %d texts only", accepted)
	}
	t.Logf("%d texts compared", accepted)
}
