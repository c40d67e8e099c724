package aliases

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// family is a profile whose names try the grammar.
const family = `
[defaults]
command = %(program_name)s
conf = %(type)s
optional = true
[program:db-server]
[program:web-server]
[program:web]
conf = web-short
[program:web-worker]
[program:mail.eu]
[program:mail]
[program:mail.eu.old]
[program:lone]
conf =
[program:gone-server]
[program:gone-worker]
[program:gate-server]
[group:front]
programs = web-server, web
[group:gone]
programs = gone-server gone-worker
[group:db]
programs = lone
`

func parseFamily(t testing.TB) *Profile {
	t.Helper()
	p, err := Parse(Source{Path: "family.ini"}, []byte(family))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func isInstalled(p *Program) bool { return !strings.HasPrefix(p.Name, "gone") }

// show gives a target as "name: the confs that it wants", with a ! if it was named itself. "-" is the conf without a name.
func show(targets []*Target) (lines []string) {
	for _, target := range targets {
		line := target.Program.Name
		if target.Named {
			line += "!"
		}
		line += ":"
		for _, conf := range []string{"", "1", "2", "11", "eu", "old", "eu.old", "A"} {
			if target.Wants(conf) {
				line += " " + strings.ReplaceAll("="+conf, "==", "=")
			}
		}
		lines = append(lines, strings.ReplaceAll(line, " = ", " - "))
	}
	return lines
}

const everyConf = " - =1 =2 =11 =eu =old =eu.old =A"

func TestExpand(t *testing.T) {
	all := everyConf
	tests := []struct {
		name          string
		words, except string
		want          []string
	}{
		{"a program", "web-worker", "", []string{"web-worker!:" + all}},
		{"without -server", "gate", "", []string{"gate-server!:" + all}},
		{"what is called just so wins", "web", "", []string{"web!:" + all}},
		{"a group wins over a short name", "db", "", []string{"lone:" + all}},
		{"order is the profile's", "web-worker web-server db-server", "",
			[]string{"db-server!:" + all, "web-server!:" + all, "web-worker!:" + all}},
		{"again and again", "web web front web", "", []string{"web-server:" + all, "web!:" + all}},
		{"all", "all", "", []string{"db-server:" + all, "web-server:" + all, "web:" + all, "web-worker:" + all, "mail.eu:" + all,
			"mail:" + all, "mail.eu.old:" + all, "lone:" + all, "gate-server:" + all}},
		{"a glob", "web-*", "", []string{"web-server:" + all, "web-worker:" + all}},
		{"a glob is anchored", "*eb", "", []string{"web-server:" + all, "web:" + all}},
		{"braces", "{db,web}-server", "", []string{"db-server:" + all, "web-server:" + all}},
		{"a glob of short names", "{db,lon?}", "", []string{"db-server:" + all, "lone:" + all}},
		{"a class", "[dm]*[!l]", "", []string{"db-server:" + all, "mail.eu:" + all, "mail.eu.old:" + all}},
		{"a conf", "web-worker.1", "", []string{"web-worker!: =1"}},
		{"two confs", "web-worker.1 web-worker.2", "", []string{"web-worker!: =1 =2"}},
		{"a conf and the whole", "web-worker.1 web-worker", "", []string{"web-worker!:" + all}},
		{"case counts", "web-worker.A", "", []string{"web-worker!: =A"}},
		{"confs by glob have a name", "web-worker.*", "", []string{"web-worker!: =1 =2 =11 =eu =old =eu.old =A"}},
		{"confs by braces", "web-*.{1,2}", "", []string{"web-server: =1 =2", "web-worker: =1 =2"}},
		{"a conf with a dot", "web-worker.eu.old", "", []string{"web-worker!: =eu.old"}},
		{"a conf of a group", "front.1", "", []string{"web-server: =1", "web: =1"}},
		{"a conf of a glob, where there are confs", "*o*.1", "", []string{"web-worker: =1", "mail.eu.old: =1"}},
		{"a program with a dot wins over a conf", "mail.eu", "", []string{"mail.eu!:" + all}},
		{"the longest name wins", "mail.eu.old.1", "", []string{"mail.eu.old!: =1"}},
		{"a conf of a program with a dot", "mail.eu.1", "", []string{"mail.eu!: =1"}},
		{"a conf that is called like another program, by glob", "mail.{eu}", "", []string{"mail.eu:" + all}},
		{"except a program", "web-* db-server", "web-server", []string{"db-server!:" + all, "web-worker:" + all}},
		{"except a group", "all", "front mail* gone", []string{"db-server:" + all, "web-worker:" + all, "lone:" + all, "gate-server:" + all}},
		{"except a conf", "web-worker", "web-worker.1", []string{"web-worker!: - =2 =11 =eu =old =eu.old =A"}},
		{"except a conf of a conf", "web-worker.{1,2}", "web-*.1", []string{"web-worker!: =2"}},
		{"except what was not asked for", "db-server", "web", []string{"db-server!:" + all}},
		{"except the only conf", "web-worker.1", "web-worker.1", nil},
		{"except all", "all", "*", nil},
		{"except what is not installed", "front", "gone-server", []string{"web-server:" + all, "web:" + all}},
	}
	p := parseFamily(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, errs := p.Expand(Selection{Words: strings.Fields(tt.words), Except: strings.Fields(tt.except), Installed: isInstalled})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff(tt.want, show(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpandErrors(t *testing.T) {
	const blank = "a server's name holds no blanks and no control characters"
	const dot = "a dot stands between a server and the name of its conf"
	tests := []struct{ word, want string }{
		{"wbe-worker", `no such server in family.ini (nearest: "web-worker", "gone-worker")`},
		{"wbe-worker.1", `no such server in family.ini (nearest: "web-worker", "gone-worker")`},
		{"zzz", "no such server in family.ini"},
		{"WEB", `no such server in family.ini (nearest: "web", "web-server", "web-worker")`},
		{strings.Repeat("web", 1000), "no such server in family.ini"},
		{"zzz*", "matches no program"},
		{"zzz*.1", "matches no program"},
		{"lone.1", "lone takes no conf"},
		{"db.1", "lone takes no conf"},
		{"gone-server", `family.ini:3: [defaults]: command: "gone-server" is not installed`},
		{"gone", "none of its programs is installed"},
		{"gone-*", "none of its programs is installed"},
		{"", "a server has a name"},
		{"web worker", blank},
		{"web\n", blank},
		{"web\u00a0worker", blank},
		{"web\x1b[31m", blank},
		{"web\xff", blank},
		{"/etc/web/1.conf", "a server's name holds no slash; a conf is named as in object.1"},
		{".1", dot},
		{"web.", dot},
		{"web..1", dot},
		{".", dot},
	}
	p := parseFamily(t)
	for _, tt := range tests {
		got, errs := p.Expand(Selection{Words: []string{"db-server", tt.word}, Installed: isInstalled})
		if len(errs) != 1 || errs[0].Word != tt.word || errs[0].Text != tt.want {
			t.Errorf("%q: got %v, want %s", tt.word, errs, tt.want)
		}
		if diff := cmp.Diff([]string{"db-server!:" + everyConf}, show(got)); diff != "" {
			t.Errorf("%q: the others (-want +got):\n%s", tt.word, diff)
		}
	}
	for _, bad := range []string{"web-{", "web-[", "web.{1", "web.[", `web\`, "[a-", "{a,{b", "web.[!"} {
		if got, errs := p.Expand(Selection{Words: []string{bad}}); len(got) > 0 || len(errs) != 1 {
			t.Errorf("%q: got %v, %v", bad, show(got), errs)
		}
	}
	_, errs := p.Expand(Selection{Words: []string{"a", "web", "b"}, Except: []string{"c", "a\n"}})
	if got := fmt.Sprint(errs); strings.Count(got, "no such server")+strings.Count(got, "no blanks") != 4 {
		t.Errorf("all errors at once: got %s", got)
	}
}

func TestTargetConfs(t *testing.T) {
	p := parseFamily(t)
	tests := []struct {
		words    string
		want     []string
		narrowed bool
	}{
		{"web-worker", nil, false},
		{"web-worker.1 web-worker.2 web-worker.1 web-worker.{1,1}", []string{"1", "2"}, true},
		{"web-worker.*", nil, true},
		{"web-worker.1 web-worker", nil, false},
	}
	for _, tt := range tests {
		got, errs := p.Expand(Selection{Words: strings.Fields(tt.words)})
		if len(errs) > 0 || len(got) != 1 {
			t.Fatal(tt.words, errs)
		}
		if diff := cmp.Diff(tt.want, got[0].Confs()); diff != "" || got[0].Narrowed() != tt.narrowed {
			t.Errorf("%s: narrowed %v (-want +got):\n%s", tt.words, got[0].Narrowed(), diff)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"all", "web.1", "mail.eu.1", "{db,web}-*.{1,2}", "a..b", "[!a-z]*", `\*`, "web.\xff", "*.*", "{{a,b},{c,*}}"} {
		f.Add(seed, "web", "web-worker.1")
	}
	p := parseFamily(f)
	f.Fuzz(func(t *testing.T, word, other, except string) {
		targets, errs := p.Expand(Selection{Words: []string{word, other}, Except: []string{except}, Installed: isInstalled})
		if len(errs) > 3 || len(errs) == 0 && len(targets) > len(p.Programs) {
			t.Errorf("%d targets, %v", len(targets), errs)
		}
		at := -1
		for _, target := range targets {
			i := slices.Index(p.Programs, target.Program)
			if i <= at || !isInstalled(target.Program) {
				t.Errorf("%s is out of order, there twice, or not installed", target.Program.Name)
			}
			at = i
		}
		swapped, _ := p.Expand(Selection{Words: []string{other, word, other}, Except: []string{except}, Installed: isInstalled})
		if diff := cmp.Diff(show(targets), show(swapped)); diff != "" {
			t.Errorf("order or repetition matters:\n%s", diff)
		}
		one, errs := p.Expand(Selection{Words: []string{word}, Installed: isInstalled})
		if (len(one) == 0) != (len(errs) == 1) {
			t.Errorf("%q: neither a target nor an error, or both: %v, %v", word, show(one), errs)
		}
		none, errs := p.Expand(Selection{Words: []string{word}, Except: []string{word}, Installed: isInstalled})
		for _, target := range none {
			if len(errs) == 0 && strings.Contains(strings.Join(show(none), ""), "=") {
				t.Errorf("%q without itself leaves %s", word, target.Program.Name)
			}
		}
	})
}

func BenchmarkExpand(b *testing.B) {
	p := parseFamily(b)
	words := []string{"all", "web-*.{1,2}"}
	for i := range 10_000 {
		words = append(words, fmt.Sprintf("web-worker.%d", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, errs := p.Expand(Selection{Words: words, Except: []string{"mail*"}}); len(errs) > 0 || len(got) != 8 {
			b.Fatal(len(got), errs)
		}
	}
}
