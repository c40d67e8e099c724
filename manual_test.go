package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mgr/aliases"
	"mgr/manager"
)

// page gives a manual page as mgr prints it.
func page(t *testing.T, name string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run([]string{"mgr", "manual", name}, manager.NewConsole(&out, &errs, manager.Terminal{})); status != manager.OK || errs.Len() > 0 {
		t.Fatalf("manual %s: status %d, %s", name, status, &errs)
	}
	return out.String()
}

// TestManualRenders: those who format manual pages find nothing to say about them.
func TestManualRenders(t *testing.T) {
	// What is installed beside it is not the page's affair.
	missing := regexp.MustCompile(`(?m)^mandoc: (.*STYLE: referenced manual not found|outdated mandoc.db).*\n`)
	for _, name := range []string{"mgr.1", "mgr.conf.5"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(page(t, strings.TrimRight(name, ".15"))), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, argv := range [][]string{
			{"mandoc", "-T", "lint", file},
			{"groff", "-ww", "-man", "-Tutf8", file},
			{"groff", "-ww", "-mdoc", "-Tutf8", file},
			{"man", "--warnings", "-l", file},
		} {
			t.Run(name+"/"+strings.Join(argv[:len(argv)-1], " "), func(t *testing.T) {
				if _, err := exec.LookPath(argv[0]); err != nil {
					t.Skipf("%s is not installed", argv[0])
				}
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Env = append(os.Environ(), "MANPAGER=cat", "LC_ALL=C.UTF-8")
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				err := cmd.Run()
				said := errs.String()
				if argv[0] == "mandoc" {
					said, err = missing.ReplaceAllString(out.String()+said, ""), nil // its status is about these too
				}
				if err != nil || said != "" {
					t.Errorf("%v\n%s", err, said)
				}
			})
		}
	}
}

// TestManualComplete: mgr.1 tells of all commands, options, variables and keys of
// the JSON document, mgr.conf.5 of all keys; nothing is left to be filled in.
func TestManualComplete(t *testing.T) {
	text := page(t, "mgr")
	for _, cmd := range manager.Commands() {
		if !regexp.MustCompile(`(?m)^\.It .*Cm ` + cmd.Name + `( Cm .*)?$`).MatchString(text) {
			t.Errorf("mgr.1 lacks the command %s", cmd.Name)
		}
	}
	for _, f := range describe(flags()) {
		if !regexp.MustCompile(`(?m)^\.It .*Fl -` + f.Name + `( Ar ` + f.Value + `)?( ,.*)?$`).MatchString(text) {
			t.Errorf("mgr.1 lacks the option --%s", f.Name)
		}
		if f.Env != "" && !strings.Contains(text, "\n.It Ev "+f.Env+"\n") {
			t.Errorf("mgr.1 lacks $%s", f.Env)
		}
	}
	for file, pattern := range map[string]string{
		"manager/result.go": `(?m)^(?:\.It .*Ic|\.Ql) %s( .*)?$`,
		"manager/logs.go":   `(?m)^\.Ql %s( .)?$`,
		"manager/stats.go":  `(?m)^\.Ql %s( .)?$`,
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`json:"(\w+)`).FindAllStringSubmatch(string(source), -1) {
			if !regexp.MustCompile(fmt.Sprintf(pattern, m[1])).MatchString(text) {
				t.Errorf("mgr.1 lacks the key %s of the JSON document", m[1])
			}
		}
	}
	conf := page(t, "mgr.conf")
	for _, d := range aliases.KeyDocs {
		if !strings.Contains(conf, "\n.It Ic "+d.Name+" = Ar "+d.Type+"\n") {
			t.Errorf("mgr.conf.5 lacks the key %s", d.Name)
		}
	}
	for name, text := range map[string]string{"mgr.1": text, "mgr.conf.5": conf} {
		for n, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "@") || strings.ContainsFunc(line, func(c rune) bool { return c >= 0x7f }) {
				t.Errorf("%s:%d: %q", name, n+1, line)
			}
		}
	}
}

// TestManualExamples: the profiles of mgr.conf.5 are profiles.
func TestManualExamples(t *testing.T) {
	_, examples, _ := strings.Cut(page(t, "mgr.conf"), "\n.Sh EXAMPLES\n")
	blocks := regexp.MustCompile(`(?s)\n\.Bd -literal.*?\n(.*?)\n\.Ed\n`).FindAllStringSubmatch(examples, -1)
	if len(blocks) < 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	for n, block := range blocks {
		text := strings.ReplaceAll(block[1], `\-`, "-")
		if _, err := aliases.Parse(aliases.Source{Path: "/example.ini"}, []byte(text)); err != nil {
			t.Errorf("example %d: %v", n+1, err)
		}
	}
}
