package aliases

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testScope() Scope {
	p := &Profile{File: "/100%/x.ini"}
	env := func(name string) (string, bool) { return "%%" + name, name == "HOME" || name == "" }
	return p.Scope(defaultProgram("web"), Unit{Conf: "/c/1.conf", ConfName: "%(conf)s", Num: 7}, env)
}

func TestScopeExpand(t *testing.T) {
	tests := []struct{ text, want, err string }{
		{"", "", ""},
		{"plain", "plain", ""},
		{"a %(conf)s b%(conf)s", "a /c/1.conf b/c/1.conf", ""},
		{"100%% %%(conf)s", "100% %(conf)s", ""},
		{"%(conf_name)s", "%(conf)s", ""}, // once, so that there are no cycles
		{"%(ENV_HOME)s", "%%HOME", ""},
		{"%(ENV_)s", "%%", ""},
		{"%(ENV_PATH)s", "", "%(ENV_PATH)s: there is no such environment variable"},
		{"%(cnof)s", "", `%(cnof)s is not known (nearest: "conf", "conf_name")`},
		{"%()s", "", "%()s is not known"},
		{"%(a\nb)s", "", `%(a\nb)s is not known`},
		{"%", "", `"%": a per cent sign is written %%, a variable %(name)s`},
		{"%(conf", "", `"%(conf": a per cent sign is written %%, a variable %(name)s`},
		{"%(conf)", "", `"%(conf)": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)d %(process_num)02d %(process_num)5d %(process_num)s", "7 07     7 7", ""},
		{"%(conf)d", "", `%(conf)d: "/c/1.conf" is no number`},
		{"%(process_num)x", "", `"%(process_num)x": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)0d", "", `"%(process_num)0d": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)00d", "", `"%(process_num)00d": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)003d", "", `"%(process_num)003d": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)3s", "", `"%(process_num)3s": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)12d", "", `"%(process_num)12d": a per cent sign is written %%, a variable %(name)s`},
		{"%(process_num)0", "", `"%(process_num)0": a per cent sign is written %%, a variable %(name)s`},
		{"%((process_num)s", "", `"%((process_num)s": a per cent sign is written %%, a variable %(name)s`},
		{"%s", "", `"%s": a per cent sign is written %%, a variable %(name)s`},
	}
	for _, tt := range tests {
		got, err := testScope().Expand(tt.text)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if got != tt.want || problem != tt.err {
			t.Errorf("%q: got %q, %q, want %q, %q", tt.text, got, problem, tt.want, tt.err)
		}
	}
	if _, err := (Scope{}).Expand("%(ENV_X)s"); err == nil {
		t.Error("an environment out of nothing")
	}
}

func TestScope(t *testing.T) {
	p := &Profile{File: "/etc/mgr/x.ini", Host: "h1"}
	prog := defaultProgram("web-worker")
	prog.Environment = []EnvVar{{"A", "1", false}, {"A", "%(conf_name)s%(ENV_X)s", false}, {"X", "mine", true}, {"Y", "mine", true}}
	want := map[string]string{"program_name": "web-worker", "group_name": "web-worker", "type": "web", "conf": "/c/web/1.conf.d",
		"conf_name": "1", "pidfile": "/r/1.pid", "here": "/etc/mgr", "host_node_name": "h1", "process_num": "3", "numprocs": "1"}
	env := func(name string) (string, bool) { return "caller's", name == "X" }
	got := p.Scope(prog, Unit{Conf: "/c/web/1.conf.d", ConfName: "1", Pidfile: "/r/1.pid", Num: 3}, env)
	vars := map[string]string{}
	for _, name := range got.names() {
		vars[name], _ = got.value(name)
	}
	if diff := cmp.Diff(want, vars); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if names := (Scope{}).names(); len(names) > 0 {
		t.Errorf("known out of nothing: %q", names)
	}
	// The last one of the program's own counts, and the caller's goes before a default.
	if text, err := got.Expand("%(ENV_A)s %(ENV_X)s %(ENV_Y)s"); text != "1caller's caller's mine" {
		t.Errorf("got %q, %v", text, err)
	}
	if text, err := got.Expand("%(ENV_Z)s"); err == nil {
		t.Errorf("got %q", text)
	}
	for name, want := range map[string]string{"web": "web", "web-worker": "web", "a-b-c": "a-b", "-x": "-x"} {
		if got := typeOf(name); got != want {
			t.Errorf("type of %q: got %q, want %q", name, got, want)
		}
	}
}

func FuzzScopeExpand(f *testing.F) {
	for _, seed := range []string{"a%(conf)sb", "%%", "%(ENV_HOME)s", "%(", "%(x)s%", "%%(conf)s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		scope := testScope()
		escaped := strings.ReplaceAll(text, "%", "%%")
		if got, err := scope.Expand(escaped); err != nil || got != text {
			t.Errorf("%q escaped: got %q, %v", text, got, err)
		}
		got, err := scope.Expand(text)
		if err != nil {
			return
		}
		if !strings.Contains(text, "%") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		bound, err := scope.bind(text)
		if err != nil || strings.Contains(bound, "%(here)") && !strings.Contains(bound, "%%(here)") {
			t.Errorf("%q bound: %q, %v", text, bound, err)
		}
		if again, err := scope.Expand(bound); err != nil || again != got {
			t.Errorf("%q bound, then expanded: got %q, %v", text, again, err)
		}
		if twice, err := scope.Expand(text + text); err != nil || twice != got+got {
			t.Errorf("%q twice: got %q, %v", text, twice, err)
		}
	})
}
