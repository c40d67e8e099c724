package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/urfave/cli/v2"

	"mgr/manager"
)

// schema is what --json keeps to.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().Compile("testdata/schema/mgr-1.json")
})

// A document is what is looked at of a JSON document.
type document struct {
	Command          string
	OK, Changed      bool
	Status           int
	DryRun           bool `json:"dry_run"`
	Errors, Warnings []string
	Instances        []map[string]any
}

// told are all texts of the document that are on stderr, too.
func (d document) told() []string {
	all := slices.Concat(d.Errors, d.Warnings)
	for _, row := range d.Instances {
		text, _ := row["error"].(string)
		all = append(all, text)
		warnings, _ := row["warnings"].([]any)
		for _, w := range warnings {
			all = append(all, w.(string))
		}
	}
	return all
}

// parseDocument wants one JSON document, and nothing behind it, that keeps to the schema.
func parseDocument(text string) (document, error) {
	var d document
	s, err := schema()
	if err != nil {
		return d, err
	}
	any, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = s.Validate(any)
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &d)
	}
	if err == nil && !strings.HasSuffix(text, "}\n") {
		err = errors.New("no line end behind it")
	}
	return d, err
}

// invariants says what of a document does not go with the run that it is of.
func (d document) invariants(c *cli.Context, status int, stderr string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if d.Status != status {
		wrong("status %d, of an exit status of %d", d.Status, status)
	}
	if d.DryRun != c.Bool("dry-run") {
		wrong("dry_run is %t", d.DryRun)
	}
	told := strings.Join(d.told(), "\n")
	for line := range strings.Lines(stderr) {
		text, is := strings.CutPrefix(strings.TrimSpace(line), "mgr: ")
		if is && !strings.Contains(text, `\`) && !strings.Contains(told, text) {
			wrong("only on stderr: %s", text)
		}
	}
	failed := slices.ContainsFunc(d.Instances, func(row map[string]any) bool { return row["error"] != nil })
	switch {
	case c.Bool("compat"):
	case d.OK && (failed || len(d.Errors) > 0):
		wrong("ok with errors")
	case !d.OK && !failed && len(d.Errors) == 0 && d.Command != "status":
		wrong("not ok, and nothing says why")
	}
	return errors.Join(errs...)
}

// checkRun looks at what a run of mgr that has just ended printed, if it was to print a document.
func checkRun(ts *testscript.TestScript, args []string, status int) {
	c := parsedLine(args)
	if !c.Bool("json") {
		return
	}
	d, err := parseDocument(ts.ReadFile("stdout"))
	if err == nil {
		err = d.invariants(c, status, ts.ReadFile("stderr"))
	}
	if err != nil {
		ts.Fatalf("the document: %v\n%s", err, ts.ReadFile("stdout"))
	}
}

// parsedLine is how mgr reads its arguments.
func parsedLine(args []string) *cli.Context {
	flags := flags()
	argv, _ := arrange(args, flags)
	c, _ := parse(argv, flags)
	return c
}

// isDocument compares a document with a file. That has the document without white space: what is no list on the
// first line, and then a line for each element of a list, behind its key.
func isDocument(ts *testscript.TestScript, _ bool, args []string) {
	got, err := lines(ts.ReadFile(args[0]))
	ts.Check(err)
	got = regexp.MustCompile(`("pid(?:_\w+)?":)\d+`).ReplaceAllString(got, "${1}PID")
	got = regexp.MustCompile(`"seconds":[-\d.e]+`).ReplaceAllString(got, `"seconds":S`)
	got = regexp.MustCompile(`(?m)^warnings "limit_.*\n`).ReplaceAllString(got, "") // what the machine allows
	if diff := cmp.Diff(ts.ReadFile(args[1]), normal(ts, got)); diff != "" {
		ts.Fatalf("%s (-want +got):\n%s", args[0], diff)
	}
}

// lines prints a document as isDocument wants it.
func lines(text string) (string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return "", err
	}
	var first, rest []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return "", err
		}
		var elements []json.RawMessage
		if json.Unmarshal(value, &elements) != nil {
			first = append(first, fmt.Sprintf("%q:%s", key, value))
		}
		for _, e := range elements {
			var compact bytes.Buffer
			if err := json.Compact(&compact, e); err != nil {
				return "", err
			}
			rest = append(rest, fmt.Sprintf("%s %s\n", key, compact.String()))
		}
	}
	return "{" + strings.Join(first, ",") + "}\n" + strings.Join(rest, ""), nil
}

// foretold runs mgr as a dry run and then in earnest, each with --json, and wants the same of both, but for what
// cannot be known.
func foretold(ts *testscript.TestScript, _ bool, args []string) {
	var rows [2][]map[string]any
	for n, more := range [][]string{{"--dry-run", "--json"}, {"--json"}} {
		status(ts, false, slices.Concat(args, more))
		d, err := parseDocument(ts.ReadFile("stdout"))
		ts.Check(err)
		for _, row := range d.Instances {
			for _, key := range []string{"pid_after", "seconds", "output", "exit_status", "warnings"} {
				delete(row, key)
			}
			rows[n] = append(rows[n], row)
		}
		rows[n] = append(rows[n], map[string]any{"ok": d.OK, "changed": d.Changed, "status": d.Status})
	}
	if diff := cmp.Diff(rows[0], rows[1]); diff != "" {
		ts.Fatalf("mgr %s (-foretold +came):\n%s", strings.Join(args[2:], " "), diff)
	}
}

// snapshot is the tree that a dry run must not touch: every name in it, with what would show a write, a removal or
// a new file. The servers' own logs are not in it.
func snapshot(root string) (map[string]string, error) {
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == filepath.Join(root, "log") {
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err == nil {
			st := info.Sys().(*syscall.Stat_t)
			out[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime(), st.Ino, st.Nlink, st.Uid)
		}
		return err
	})
	return out, err
}

// TestEveryCommandHasTranscripts wants of every command transcripts of what it prints: as text, with --json, with
// --dry-run, and with both. A command that has another way of printing says so in exempt, with the reason.
func TestEveryCommandHasTranscripts(t *testing.T) {
	exempt := map[string]string{}
	seen := map[string]bool{}
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range printed(string(text)) {
			seen[run] = true
		}
	}
	for _, cmd := range manager.Commands() {
		for _, mode := range []string{"", " --json", " --dry-run", " --dry-run --json"} {
			run := cmd.Name + mode
			switch why := exempt[run]; {
			case !seen[run] && why == "":
				t.Errorf("no transcript of mgr %s: add one to testdata/transcripts/modes-%s.txtar", run, cmd.Name)
			case !seen[run]:
				t.Logf("no transcript of mgr %s: %s", run, why)
			}
		}
	}
}

// printed gives the commands that a transcript runs and whose stdout it looks at, each with its mode.
func printed(script string) []string {
	script, _, _ = strings.Cut(script, "\n-- ")
	var out []string
	last := ""
	for line := range strings.Lines(script) {
		words := strings.Fields(strings.NewReplacer("'", "", "&mgr&", "").Replace(line))
		n := slices.Index(words, "mgr")
		switch {
		case len(words) > 1 && slices.Contains([]string{"same", "json", "stdout", "cmp"}, words[0]) && last != "":
			out = append(out, last)
		case n < 0 || !slices.Contains([]string{"status", "exec", "!"}, words[0]):
		default:
			c := parsedLine(words[n+1:])
			cmd, _, _ := split(c.Args().Slice())
			last = cmd.Name
			for _, option := range []string{"dry-run", "json"} {
				if c.Bool(option) {
					last += " --" + option
				}
			}
		}
	}
	return out
}
