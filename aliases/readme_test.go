package aliases

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

// tableRows gives the rows of a part's first table, without its head.
func tableRows(part string) []string {
	_, table, _ := strings.Cut(part, "\n|---|")
	_, table, _ = strings.Cut(table, "\n")
	table, _, _ = strings.Cut(table, "\n\n")
	return strings.Split(strings.TrimSpace(table), "\n")
}

// TestREADME: README's tables of sections, keys and variables are those that the
// manual is made of, and it names the keys and sections that mean nothing.
func TestREADME(t *testing.T) {
	part, sectionPart := readmePart(t, "Keys of a program"), readmePart(t, "Sections")
	var rows []string
	for _, d := range KeyDocs {
		rows = append(rows, "| `"+d.Name+"` | "+d.Text+" | "+d.Otherwise()+" |")
	}
	if diff := cmp.Diff(rows, tableRows(part)); diff != "" {
		t.Errorf("keys (-KeyDocs +README):\n%s", diff)
	}
	if diff := cmp.Diff(docRows(SectionDocs), tableRows(sectionPart)); diff != "" {
		t.Errorf("sections (-SectionDocs +README):\n%s", diff)
	}
	_, variables, _ := strings.Cut(part, "All values may hold these")
	if diff := cmp.Diff(docRows(VariableDocs), tableRows(variables)); diff != "" {
		t.Errorf("variables (-VariableDocs +README):\n%s", diff)
	}

	_, accepted, _ := strings.Cut(part, "These of supervisord are accepted")
	accepted, _, _ = strings.Cut(accepted, "; and the\nsections")
	var names []string
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(accepted, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	if diff := cmp.Diff(AcceptedKeys(), names); diff != "" {
		t.Errorf("keys that mean nothing (-parser +README):\n%s", diff)
	}
	for _, s := range sections {
		name, _, named := strings.Cut(s.name, ":")
		if !strings.Contains(sectionPart+part, "`["+name+"]`") && !(named && strings.Contains(sectionPart+part, "`["+name+":")) {
			t.Errorf("README does not mention [%s]", s.name)
		}
	}
	for _, key := range sortedKeys(inherited()) {
		if !strings.Contains(sectionPart, "`"+key+"`") {
			t.Errorf("README does not say what %s of [supervisord] means", key)
		}
	}
}

func docRows(docs []Doc) []string {
	var rows []string
	for _, d := range docs {
		rows = append(rows, "| "+d.Name+" | "+d.Text+" |")
	}
	return rows
}

// TestKeyDocs: what is documented is what is parsed: every key that means
// something, once, with a type that is explained, and with the default that a
// program without the key has.
func TestKeyDocs(t *testing.T) {
	load := func(line string) *Program {
		p, err := Parse(Source{Path: "docs.ini"}, []byte("[program:x]\ncommand = x\n"+line))
		if err != nil {
			t.Fatal(err)
		}
		return p.Programs[0]
	}
	plain := load("")
	equal := cmp.Options{cmp.AllowUnexported(Program{}), cmpopts.IgnoreFields(Program{}, "places")}
	seen := map[string]bool{}
	for _, d := range KeyDocs {
		if _, is := keys()[d.Name]; !is || seen[d.Name] {
			t.Errorf("%s: documented, parsed: %v, documented before: %v", d.Name, is, seen[d.Name])
		}
		seen[d.Name] = true
		if !slices.ContainsFunc(KeyTypes, func(typ Doc) bool { return typ.Name == d.Type }) {
			t.Errorf("%s: its type %q is not explained", d.Name, d.Type)
		}
		if d.Default == "" {
			if d.Without == "" {
				t.Errorf("%s: no default", d.Name)
			}
			continue
		}
		if diff := cmp.Diff(plain, load(d.Name+" = "+d.Default), equal); diff != "" {
			t.Errorf("%s: %q is not the default (-default +documented):\n%s", d.Name, d.Default, diff)
		}
	}
	for _, name := range AcceptedKeys() {
		if keys()[name].note == nil {
			t.Errorf("%s: means something and is not documented", name)
		}
	}
}

// TestVariableDocs: the variables that are documented are those that are filled in.
func TestVariableDocs(t *testing.T) {
	p := &Profile{}
	known := p.Scope(&Program{}, Unit{}, nil).names()
	seen := map[string]bool{}
	for _, d := range VariableDocs {
		for _, m := range regexp.MustCompile(`%\((\w+)\)`).FindAllStringSubmatch(d.Name, -1) {
			seen[m[1]] = true
		}
	}
	delete(seen, "ENV_X")
	if diff := cmp.Diff(known, sortedKeys(seen)); diff != "" {
		t.Errorf("variables (-parser +documented):\n%s", diff)
	}
}
