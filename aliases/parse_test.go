package aliases

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(text string) (*Profile, error) {
	env := func(name string) (string, bool) {
		return map[string]string{"HOME": "/home/u", "TEN": "10"}[name], name == "HOME" || name == "TEN"
	}
	return Parse(Source{Path: "/etc/p.ini", Host: "h", Env: env}, []byte(text))
}

// TestParseLayout is about what is a section, a key, a value and a comment.
func TestParseLayout(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // words of the command
	}{
		{"plain", "[program:a]\ncommand = x y\n", []string{"x", "y"}},
		{"no line end", "[program:a]\ncommand=x", []string{"x"}},
		{"colon", "[program:a]\ncommand: x = y\n", []string{"x", "=", "y"}},
		{"CRLF", "[program:a]\r\ncommand = x\r\n  y\r\n", []string{"x", "y"}},
		{"byte order mark", "\ufeff[program:a]\ncommand = x\n", []string{"x"}},
		{"comments", "; a\n# b\n[program:a] ; c\n  # d\ncommand = x ; e\n", []string{"x"}},
		{"a comment behind a tab", "[program:a]\ncommand = x\t# e\n", []string{"x"}},
		{"no comment", "[program:a]\ncommand = x a;b c#d\n", []string{"x", "a;b", "c#d"}},
		{"a bracket in a comment", "[program:a] ; as in [program:b]\ncommand = x\n", []string{"x"}},
		{"continued", "[program:a]\ncommand = x\n  y\n\tz\n", []string{"x", "y", "z"}},
		{"continued from nothing", "[program:a]\ncommand =\n  x\n  y\n", []string{"x", "y"}},
		{"comments in between", "[program:a]\ncommand = x ; one\n  # two\n  y ; three\n; four\n  z\n", []string{"x", "y", "z"}},
		{"empty lines in between", "[program:a]\ncommand = x\n\n  y\n", []string{"x", "y"}},
		{"continued by what looks like a key", "[program:a]\ncommand = x\n  conf = y\n", []string{"x", "conf", "=", "y"}},
		{"continued by what looks like a section", "[program:a]\ncommand = x\n  [y]\n", []string{"x", "[y]"}},
		{"indented keys", "[program:a]\n  nice = 1\n  command = x\n  umask = 022\n", []string{"x"}},
		{"indented sections", "  [program:a]\n  command = x\n", []string{"x"}},
		{"a line end in quotes", "[program:a]\ncommand = sh -c \"x\n  y\"\n", []string{"sh", "-c", "x\ny"}},
		{"quotes stay the shell's", "[program:a]\ncommand = \"x y\"\n", []string{"x y"}},
		{"two quotes", "[program:a]\ncommand = x \"\" ''\n", []string{"x", "", ""}},
		{"a back slash at the end", "[program:a]\ncommand = x \\\\\nnice = 1\n", []string{"x", `\`}},
		{"back quotes inside", "[program:a]\ncommand = x `y`\n", []string{"x", "`y`"}},
		{"a long value", "[program:a]\ncommand = x\n" + strings.Repeat("  word\n", 3000), append([]string{"x"}, slices.Repeat([]string{"word"}, 3000)...)},
		{"a section below another", "[program:a]\ncommand = x\n[program:a.b]\ncommand = y\n", []string{"x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.Programs[0].Command); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const ok = "[program:ok]\ncommand = x\n"

// parseErrorTests are texts and all that is wrong with them: each with its line, its section, its key and the nearest one.
var parseErrorTests = []struct{ name, text, want string }{
	{"empty", "", "names no program: there is no [program:NAME] section"},
	{"comments only", "# x\n", "names no program: there is no [program:NAME] section"},
	{"unknown key", ok + "stopsingal = TERM\n", `3: [program:ok]: unknown key "stopsingal" (nearest: "stopsignal", "stopasgroup", "stopwaitsecs")`},
	{"case of a key", ok + "User = x\n", `3: [program:ok]: unknown key "User" (nearest: "user")`},
	{"unknown section", ok + "[defualts]\n", `3: [defualts]: unknown section (nearest: "defaults")`},
	{"Python's defaults", ok + "[DEFAULT]\nnice = 1\n", `3: [DEFAULT]: unknown section (nearest: "defaults")`},
	{"Python's defaults, empty", "[DEFAULT]\n" + ok, `1: [DEFAULT]: unknown section (nearest: "defaults")`},
	{"a section without a program", ok + "[program:]\n", `3: [program:]: unknown section (nearest: "program:NAME", "group:NAME")`},
	{"a section again", ok + "[mgr]\n[program:ok]\ncommand = y\nnonsense\n", `4: [program:ok]: the section again, first in line 1
6: [program:ok]: neither [section] nor key = value: "nonsense"`},
	{"a key again", ok + "command = y\n  z\n", `3: [program:ok]: key "command" again, first in line 2`},
	{"a key before all", "command = y\n" + ok, `1: key "command" stands before the first section`},
	{"never closed", ok + "[program:b\ncommand = x\n", `3: [program:b]: a section without its ]: "[program:b"`},
	{"text behind a section", "[program:ok] x\ncommand = x\n", `1: [program:ok]: text behind the section: " x"`},
	{"control characters", ok + "[\x1b[31mred]\n", `3: [\x1b[31mred]: unknown section`},
	{"no name", ok + "[]\n", `3: a section without a name`},
	{"no key", ok + "= 5\n", `3: [program:ok]: neither [section] nor key = value: "= 5"`},
	{"no value", ok + "nice\n", `3: [program:ok]: neither [section] nor key = value: "nice"`},
	{"quoted key", ok + "\"nice\" = 5\n", `3: [program:ok]: "\"nice\"" is no key`},
	{"a dash for a key", ok + "- = 5\n", `3: [program:ok]: "-" is no key`},
	{"back quotes", ok + "directory = `/x`\n", "3: [program:ok]: directory: \"`/x`\": a value begins with no back quote and no three quotes"},
	{"three quotes", ok + "user = \"\"\"x\n", `3: [program:ok]: user: "\"\"\"x": a value begins with no back quote and no three quotes`},
	{"NUL", ok + "nice = 1\x00\nuser\n", `3: [program:ok]: a NUL byte: this is no INI file`},
	{"Latin-1", ok + "user = j\xfcrgen\nuser\n", `3: [program:ok]: no UTF-8: "user = j\xfcrgen"
4: [program:ok]: neither [section] nor key = value: "user"`},
	{"UTF-16", "\xff\xfe[\x00m\x00g\x00r\x00]\x00", `1: a NUL byte: this is no INI file`},
	{"no command", "[program:a]\nnice = 1\n", `1: [program:a]: no command`},
	{"no command because of a slip", "[program:a]\ncommand x\n", `2: [program:a]: neither [section] nor key = value: "command x"`},
	{"no command because of a bad one", "[program:a]\ncommand = 'x\n", `2: [program:a]: command: "'x": a quote is not closed; what stands behind " ;" or " #" is a comment`},
	{"a name with a slash", ok + "[program:a/b]\n", `3: [program:a/b]: a name cannot hold '/'`},
	{"a name with a blank", ok + "[program: a]\n", `3: [program: a]: a name cannot hold ' '`},
	{"a hidden name", ok + "[program:.a]\n", `3: [program:.a]: a name cannot begin with "."`},
	{"a name like an option", ok + "[program:-a]\n", `3: [program:-a]: a name cannot begin with "-"`},
	{"a name that ends in a dot", ok + "[program:a.]\n", `3: [program:a.]: a dot of a name stands between two other characters`},
	{"a program called all", "[program:all]\ncommand = x\n", `1: [program:all]: "all" is the group of all programs`},
	{"a group like a program", ok + "[group:ok]\nprograms = ok\n", `3: [group:ok]: "ok" is the program of line 1`},
	{"a group of nobody", ok + "[group:g]\n", `3: [group:g]: a group without programs`},
	{"a group of strangers", ok + "[group:g]\nprograms = ok, oj\n", `4: [group:g]: programs: there is no program "oj"`},
	{"a group with another key", ok + "[group:g]\nprograms = ok\npriorty = 1\n", `5: [group:g]: unknown key "priorty" (nearest: "priority")`},
	{"roots", "[mgr]\nconf_dir = etc\nrun_dir = /run/%(program_name)s\nlog = /x\n" + ok, `2: [mgr]: conf_dir: "etc" is no absolute path
3: [mgr]: run_dir: %(program_name)s is not known
4: [mgr]: unknown key "log" (nearest: "log_dir")`},
	{"a default's fault is told once", "[defaults]\nnice = x\n" + ok + "[program:b]\ncommand = y\n", `2: [defaults]: nice: "x" is no number from -20 to 19`},
	{"one pidfile for two, beside other errors", ok + "[program:b]\ncommand = x\npidfile = /r/x\n[program:c]\ncommand = y\npidfile = /r//x\n[program:d]\npidfile = /r/x\nfoo = 1\n", `8: [program:c]: pidfile: "/r/x" is that of "b" (/etc/p.ini:5)
9: [program:d]: no command
11: [program:d]: unknown key "foo"`},
	{"all at once", "[defaults]\nnice = x\n[program:a]\ncommand = %(y)s\nfoo\n[group:g]\nprograms = b\n[x]\n", `2: [defaults]: nice: "x" is no number from -20 to 19
4: [program:a]: command: %(y)s is not known (nearest: "type")
5: [program:a]: neither [section] nor key = value: "foo"
7: [group:g]: programs: there is no program "b"
8: [x]: unknown section`},
}

func TestParseErrors(t *testing.T) {
	for _, tt := range parseErrorTests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parse(tt.text)
			if err == nil {
				t.Fatalf("no error, but %+v", p)
			}
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("not Errors: %v", err)
			}
			want := strings.Split(tt.want, "\n")
			for i, line := range want {
				sep := ":"
				if strings.HasPrefix(line, "names") {
					sep = ": "
				}
				want[i] = "/etc/p.ini" + sep + line
			}
			if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(builtin))
	f.Add([]byte(family))
	for _, seed := range []string{"[program:a]\ncommand = x\n  y ; z\n\n\tw", "\ufeff[a]\r\n k = `v\n", "[a]\nk = \"\"\"v\n \"\"\"\n[a]\n", "x\n[DEFAULT]\n-=1\n[a.b]\nk:v"} {
		f.Add([]byte(seed))
	}
	for _, tt := range keyTests {
		f.Add([]byte("[program:web]\ncommand = x\n" + tt.key + " = " + tt.value + "\n[group:g]\nprograms = web\npriority = 5\n"))
	}
	for _, seed := range supervisordSeeds(f) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		src := Source{Path: "p"}
		s := scan("p", text)
		file, err := load(s.plain.Bytes())
		if err != nil {
			t.Fatalf("the library on plain text %q: %v", s.plain.Bytes(), err)
		}
		seen := 0
		for _, section := range file.Sections() {
			for _, key := range section.Keys() {
				seen++
				if s.lines[place{section.Name(), key.Name()}] == 0 {
					t.Errorf("the library sees %q in %q, the scanner does not", key.Name(), section.Name())
				}
			}
		}
		keys := 0
		for at := range s.lines {
			if at.key != "" {
				keys++
			}
		}
		if seen > keys || len(s.errs) == 0 && seen != keys {
			t.Errorf("the library sees %d keys, the scanner %d", seen, keys)
		}
		p, err := Parse(src, text)
		if (p == nil) != (err != nil) {
			t.Fatalf("got %v and %v", p, err)
		}
		if err != nil {
			checkErrors(t, err)
			return
		}
		for _, name := range p.Names() {
			if got, errs := p.Expand(Selection{Words: []string{name}}); len(got) == 0 || len(errs) > 0 {
				t.Errorf("%q is a name of the profile, but means %v, %v", name, got, errs)
			}
		}
	})
}

func checkErrors(t *testing.T, err error) {
	t.Helper()
	last := 0
	for _, e := range err.(Errors) {
		if e.Line < last || strings.ContainsAny(e.Text, "\n\x00") {
			t.Errorf("error %q of line %d behind line %d", e.Text, e.Line, last)
		}
		last = e.Line
	}
	if last == 0 && len(err.(Errors)) > 1 {
		t.Errorf("errors without lines: %v", err)
	}
}

// supervisordSeeds are files as supervisord has them.
func supervisordSeeds(f *testing.F) []string {
	f.Helper()
	seeds := []string{
		"[supervisord]\nenvironment=A=\"1\",B=%(ENV_A)s\numask=022\nuser=root\ndirectory=/\nminfds=1024\nminprocs=200\nchildlogdir=%(here)s/l\nlogfile=x\n[program:a]\ncommand=a\n",
		"[unix_http_server]\nfile=/x ; y\n[inet_http_server]\n[supervisorctl]\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = a:b\n[ctlplugin:x]\n[eventlistener:x]\n[fcgi-program:x]\n[program:a]\ncommand=a\n",
		"[mgr]\nconf_dir=/c\nrun_dir=/r\nlog_dir=/l\n[program:a]\ncommand=a\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)02d\npidfile=/r/%(process_num)d.pid\n",
		"[program:a]\ncommand=a\nnumprocs=2\nnumprocs_start=9\nprocess_name=%(group_name)s%(process_num)d\n[program:b]\ncommand=b\npidfile=a/g9.pid\n[group:g]\nprograms=a\n",
	}
	files, err := filepath.Glob("../testdata/supervisord/*.conf")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, string(text))
	}
	return seeds
}

// FuzzInclude reads a profile that includes others, which are parts of the input: whatever they hold, what is wrong is told
// with the file that it is in, in the order of files and lines, and what is right does not depend on how it is split.
func FuzzInclude(f *testing.F) {
	f.Add("[include]\nfiles = a.ini b.ini\n", "[program:a]\ncommand = %(here)s\n", "[group:g]\nprograms = a\n")
	f.Add("[include]\nfiles = d/*.ini\n  %(here)s/b.ini\n[defaults]\nnice = 1\n", "[defaults]\nnice = 2\n[program:a]\ncommand = x\n", "[program:b]\ncommand = y\n")
	f.Add("[include]\nfiles = a.ini a.ini\n", "[program:a]\ncommand = x\n", "")
	f.Add("[include]\nfiles = p.ini\n", "", "")
	f.Add("[include]\nfiles = a.ini\n", "[include]\nfiles = b.ini\n", "[program:a]\ncommand = x\n")
	f.Add("[include]\nfiles = missing.ini missing/*\nfoo = x\n", "", "[program:a]\n[program:a]\n")
	f.Add("[include]\nfiles = a.ini b.ini\n", "[program:a]\ncommand = x\n", "[program:a]\ncommand = x\n")
	f.Add("[include]\nfiles = a.ini b.ini\n[supervisord]\numask=0\n", "[supervisord]\n[program:a]\ncommand=x\npidfile=%(here)s/x\n", "[program:b]\ncommand=x\npidfile=%(here)s/x\n")
	f.Fuzz(func(t *testing.T, main, a, b string) {
		files := map[string]string{"/e/p.ini": main, "/e/a.ini": a, "/e/b.ini": b, "/e/d/a.ini": a}
		order := []string{}
		src := Source{Path: "/e/p.ini", Host: "h", Env: func(name string) (string, bool) { return name, len(name) == 1 },
			Include: func(pattern string) ([]string, error) {
				var paths []string
				for _, path := range sortedKeys(files) {
					if ok, err := filepath.Match(pattern, path); err != nil {
						return nil, err
					} else if ok {
						paths = append(paths, path)
					}
				}
				return paths, nil
			},
			Read: func(path string) ([]byte, error) {
				text, ok := files[path]
				if !ok {
					t.Errorf("%q is read, which nothing matched", path)
				}
				order = append(order, path)
				return []byte(text), nil
			}}
		p, err := Parse(src, []byte(main))
		if (p == nil) != (err != nil) {
			t.Fatalf("got %v and %v", p, err)
		}
		for i, path := range order {
			if path == "/e/p.ini" || slices.Contains(order[:i], path) {
				t.Errorf("%q is read again", path)
			}
		}
		order = append([]string{"/e/p.ini"}, order...)
		if err == nil {
			for _, name := range p.Names() {
				if got, errs := p.Expand(Selection{Words: []string{name}}); len(got) == 0 || len(errs) > 0 {
					t.Errorf("%q is a name of the profile, but means %v, %v", name, got, errs)
				}
			}
			return
		}
		at, line := 0, 0
		for _, e := range err.(Errors) {
			n := slices.Index(order, e.File)
			if n < at || n == at && e.Line < line || strings.ContainsAny(e.Text, "\n\x00") {
				t.Errorf("%v stands behind line %d of %s", e, line, order[at])
			}
			at, line = max(n, 0), e.Line
		}
	})
}
