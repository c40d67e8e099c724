package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oracleProbe says whether Swift's manager module is there to be compared with.
const oracleProbe = "import swift.common.manager"

// TestParity runs each scenario of testdata/parity twice, on trees of its own with real server processes: once with
// Swift's manager module behind scripts/swift-oracle.py, once with mgr in swift-init mode. Exit statuses, lines, and
// what is left at the end have to be the same, except where the scenario declares a difference of the list in
// parity_differences_test.go and says exactly what mgr does there.
//
// PARITY_MGR names another program to run in mgr's place.
func TestParity(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	if err := exec.Command("/usr/bin/python3", "-c", oracleProbe).Run(); err != nil {
		t.Skipf("no Swift to compare with: /usr/bin/python3 -c %q: %v", oracleProbe, err)
	}
	programs := buildPrograms(t)
	for _, s := range readScenarios(t) {
		t.Run(s.topic+"/"+s.name, func(t *testing.T) {
			t.Parallel()
			compare(t, s, programs)
		})
	}
}

// programs are the files that the trees link to.
type programs struct {
	oracle     string // scripts/swift-oracle.py
	mgr        string
	fakeserver string
}

func buildPrograms(t *testing.T) programs {
	t.Helper()
	oracle, err := filepath.Abs("scripts/swift-oracle.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := programs{oracle: oracle, mgr: os.Getenv("PARITY_MGR"), fakeserver: filepath.Join(dir, "fakeserver")}
	build(t, p.fakeserver, "./testdata/fakeserver")
	if p.mgr == "" {
		p.mgr = filepath.Join(dir, "mgr")
		build(t, p.mgr, ".")
	}
	return p
}

func build(t *testing.T, to, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
}

// outcome is what one side did in a scenario.
type outcome struct {
	seen []observation // one for each run step, and one for the end
	err  error         // the scenario could not be carried through
}

// compare runs both sides at the same time: they share nothing.
func compare(t *testing.T, s scenario, p programs) {
	oracle := side{name: "swift-init", argv: []string{"/usr/bin/python3", p.oracle}}
	mgr := side{name: "mgr", argv: []string{p.mgr, "--compat"}, link: p.mgr}
	results := make(chan outcome)
	go func() { results <- perform(s, oracle, p.fakeserver) }()
	got := perform(s, mgr, p.fakeserver)
	want := <-results
	for name, o := range map[string]outcome{oracle.name: want, mgr.name: got} {
		if o.err != nil {
			t.Errorf("%s: %v", name, o.err)
		}
	}
	if t.Failed() {
		return
	}
	for i := range want.seen {
		judge(t, want.seen[i], got.seen[i])
	}
}

// judge compares one observation of both sides.
func judge(t *testing.T, oracle, mgr observation) {
	t.Helper()
	difference := cmp.Diff(oracle.text(), mgr.text())
	declared := mgr.step.want
	switch {
	case declared == nil && difference != "":
		t.Errorf("%s: undeclared difference (-swift-init +mgr):\n%s\nstderr of swift-init: %s\nstderr of mgr: %s",
			mgr.step, difference, oracle.stderr, mgr.stderr)
	case declared != nil && difference == "" && !declared.may:
		t.Errorf("%s: difference %v was declared and does not occur", mgr.step, declared.keys)
	case declared != nil:
		want := observation{step: mgr.step, exit: declared.exit, lines: declared.lines}
		if diff := cmp.Diff(want.text(), mgr.text()); diff != "" {
			t.Errorf("%s: mgr's side of difference %v (-want +got):\n%s\nstderr of mgr: %s\nswift-init:\n%s",
				mgr.step, declared.keys, diff, mgr.stderr, strings.Join(oracle.text(), "\n"))
		}
	}
}

// observation is what was seen of a run step, or of everything at the end.
type observation struct {
	step   step
	exit   string   // of a run step: the status, or how else it ended
	lines  []string // normalised
	stderr string   // as it was; not compared
}

// text is what is compared: order is none of it, for swift-init's is random.
func (o observation) text() []string {
	lines := slices.Sorted(slices.Values(o.lines))
	if o.exit == "" {
		return lines
	}
	return append([]string{"exit " + o.exit}, lines...)
}
