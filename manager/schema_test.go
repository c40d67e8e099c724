package manager

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mgr/server"
)

// A shape is an object of the schema.
type shape struct {
	Required   []string
	Properties map[string]json.RawMessage
}

// TestSchema compares the keys of the schema with those of the types that the
// document is made of, both ways: those that may be left out are not required.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("../testdata/schema/mgr-1.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		shape
		Defs map[string]shape `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	schema.Defs["document"] = schema.shape
	for name, typ := range map[string]reflect.Type{
		"document": reflect.TypeFor[document](), "instance": reflect.TypeFor[result](), "program": reflect.TypeFor[server.Resolved](),
		"signal": reflect.TypeFor[sentSignal](), "stats": reflect.TypeFor[stats](), "log": reflect.TypeFor[logTail](), "check": reflect.TypeFor[check](),
	} {
		s := schema.Defs[name]
		want, required := keys(typ)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(s.Properties))); diff != "" {
			t.Errorf("keys of %s (-types +schema):\n%s", name, diff)
		}
		slices.Sort(s.Required)
		if diff := cmp.Diff(required, s.Required); diff != "" {
			t.Errorf("required keys of %s (-types +schema):\n%s", name, diff)
		}
	}
}

// keys are those that a struct has in JSON, and those of them that it always has.
func keys(typ reflect.Type) (all, required []string) {
	for n := range typ.NumField() {
		name, more, _ := strings.Cut(typ.Field(n).Tag.Get("json"), ",")
		if name == "" { // it is not exported
			continue
		}
		all = append(all, name)
		if more != "omitempty" {
			required = append(required, name)
		}
	}
	slices.Sort(all)
	slices.Sort(required)
	return all, required
}

// TestSchemaInREADME wants each key of the document and its rows in the tables of
// README's chapter on it.
func TestSchemaInREADME(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(text), "\n### The JSON document\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	if !found {
		t.Fatal("README has no chapter on the JSON document")
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(chapter, -1) {
		for _, key := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
			told = append(told, key[1])
		}
	}
	document, _ := keys(reflect.TypeFor[document]())
	instance, _ := keys(reflect.TypeFor[result]())
	want := slices.Compact(slices.Sorted(slices.Values(slices.Concat(document, instance))))
	if diff := cmp.Diff(want, slices.Compact(slices.Sorted(slices.Values(told)))); diff != "" {
		t.Errorf("keys (-types +README):\n%s", diff)
	}
}

// TestPlain wants text that does nothing to a terminal, and means the same.
func TestPlain(t *testing.T) {
	for _, text := range []string{"plain", "caf\u00e9 \u65e5\u672c", "\x00\x1b[31m\x7f", "\u009b2J", "\u202e\u2028", "\U000e0041", "\ufffd", "\U0001f600"} {
		doc, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := plain(string(doc))
		if strings.ContainsFunc(got, hidden) {
			t.Errorf("%q: %q", text, got)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != text {
			t.Errorf("%q: came back as %q, %v", text, back, err)
		}
	}
}

// Rows keep all that was wrong, once, and what was overcome as a warning.
func TestResultErrors(t *testing.T) {
	var r result
	r.fail("a %s", "b")
	r.fail("a b")
	r.fail("c")
	if want := "a b; c"; r.Error != want {
		t.Errorf("got %q, want %q", r.Error, want)
	}
	r.recover()
	if diff := cmp.Diff(result{Warnings: []string{"a b; c"}}, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
