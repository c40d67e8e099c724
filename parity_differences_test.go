package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// differences are the keys of README's table of differences from swift-init,
// and what asserts each: scenarios of testdata/parity that declare it (""), a
// transcript, or a test of a package.
var differences = map[string]string{
	"bad-command":         "",
	"conf-dir":            "bad-input.txtar",
	"conf-unknown":        "bad-input.txtar",
	"config-num":          "",
	"environment":         "server.TestEnvironment",
	"exact-conf":          "",
	"exit-statuses":       "crash.txtar",
	"exit-sum":            "",
	"expirer-status":      "",
	"expirer-warning":     "",
	"flat-conf":           "",
	"globs":               "",
	"gone":                "",
	"identity":            "",
	"kill-forgives":       "",
	"kill-tree":           "",
	"kill-wait":           "",
	"left-workers":        "workers.txtar",
	"locks":               "pidfile.TestAwaitLock",
	"no-daemon-term":      "no-daemon.txtar",
	"once-unable":         "",
	"order":               "round.txtar",
	"orphans":             "orphans.txtar",
	"other-files":         "",
	"pass-ended":          "",
	"paths":               "",
	"permission":          "pidfile.TestSignalNotPermitted",
	"pidfile-first":       "server.TestInherits",
	"reload-run-dir":      "",
	"run-dir":             "",
	"seamless-background": "",
	"seamless-wait":       "seamless.txtar",
	"several-confs":       "",
	"silent-death":        "",
	"start-deadline":      "not-ready.txtar",
	"start-running":       "crash.txtar",
	"status-reads-only":   "",
	"stop-stopped":        "round.txtar",
	"stopped-instances":   "crash.txtar",
	"stuck":               "stuck.txtar",
	"unknown-names":       "bad-input.txtar",
	"unreadable-conf":     "",
	"usage":               "",
	"vanished-pidfile":    "pidfile.TestDirVanishes",
}

// TestDifferences compares README's table with what asserts it, both ways.
func TestDifferences(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(readme), "## Differences from swift-init")
	if !ok {
		t.Fatal("README has no such table")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		rows = append(rows, m[1])
	}
	slices.Sort(rows)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(differences)), rows); diff != "" {
		t.Errorf("README's rows (-asserted +README):\n%s", diff)
	}
	declared := map[string]bool{}
	for _, s := range readScenarios(t) {
		for _, st := range s.steps {
			if st.want == nil {
				continue
			}
			for _, key := range st.want.keys {
				declared[key] = true
				if by, known := differences[key]; !known || by != "" {
					t.Errorf("%s/%s: %q is no difference that scenarios assert", s.topic, s.name, key)
				}
			}
		}
	}
	for key, by := range differences {
		if !asserted(key, by, declared) {
			t.Errorf("difference %q: nothing asserts it (%q)", key, by)
		}
	}
}

func asserted(key, by string, declared map[string]bool) bool {
	switch pkg, test, _ := strings.Cut(by, "."); {
	case by == "":
		return declared[key]
	case test == "txtar":
		_, err := os.Stat(filepath.Join("testdata/transcripts", by))
		return err == nil
	default:
		files, _ := filepath.Glob(pkg + "/*_test.go")
		return slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(source), "func "+test+"(")
		})
	}
}
