package aliases

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testScope() Scope {
	return Scope{
		Vars: map[string]string{"conf": "/c/1.conf", "odd": "%(conf)s"},
		Env:  func(name string) (string, bool) { return "%%" + name, name == "HOME" || name == "" },
	}
}

func TestScopeExpand(t *testing.T) {
	tests := []struct{ text, want, err string }{
		{"", "", ""},
		{"plain", "plain", ""},
		{"a %(conf)s b%(conf)s", "a /c/1.conf b/c/1.conf", ""},
		{"100%% %%(conf)s", "100% %(conf)s", ""},
		{"%(odd)s", "%(conf)s", ""}, // once, so that there are no cycles
		{"%(ENV_HOME)s", "%%HOME", ""},
		{"%(ENV_)s", "%%", ""},
		{"%(ENV_PATH)s", "", "%(ENV_PATH)s: there is no such environment variable"},
		{"%(cnof)s", "", `%(cnof)s is not known (nearest: "conf")`},
		{"%()s", "", "%()s is not known"},
		{"%", "", `"%": a per cent sign is written %%, a variable %(name)s`},
		{"%(conf", "", `"%(conf": a per cent sign is written %%, a variable %(name)s`},
		{"%(conf)", "", `"%(conf)": a per cent sign is written %%, a variable %(name)s`},
		{"%(conf)d", "", `"%(conf)d": a per cent sign is written %%, a variable %(name)s`},
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

func TestVars(t *testing.T) {
	p := &Profile{File: "/etc/mgr/x.ini", Host: "h1"}
	want := map[string]string{"program_name": "web-worker", "group_name": "web-worker", "type": "web", "conf": "/c/web/1.conf.d",
		"conf_name": "1", "pidfile": "/r/1.pid", "here": "/etc/mgr", "host_node_name": "h1", "process_num": "0"}
	got := p.Vars(defaultProgram("web-worker"), "/c/web/1.conf.d", "/r/1.pid")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"web": "web", "web-worker": "web", "a-b-c": "a-b", "-x": "-x"} {
		if got := typeOf(name); got != want {
			t.Errorf("type of %q: got %q, want %q", name, got, want)
		}
	}
	for conf, want := range map[string]string{"": "", "/c/web.conf": "web", "/c/a.conf.conf": "a.conf", "/c/x.ini": "x.ini"} {
		if got := confName(conf); got != want {
			t.Errorf("name of %q: got %q, want %q", conf, got, want)
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
		if twice, err := scope.Expand(text + text); err != nil || twice != got+got {
			t.Errorf("%q twice: got %q, %v", text, twice, err)
		}
	})
}
