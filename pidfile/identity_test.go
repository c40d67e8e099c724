package pidfile

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	object := Identity{
		Commands: []string{"swift-object-server"}, Interpreters: []string{"python3", "python3.11"},
		Args: [][]string{{"/etc/swift/object-server/1.conf"}},
	}
	for _, tt := range []struct {
		about string
		argv  string // separated by |
		want  bool
	}{
		{"interpreter and script", "/usr/bin/python3|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"the interpreter's real name", "python3.11|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"interpreter with flags", "/usr/bin/python3|-u|-Es|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"flags in one word, as the kernel gives them", "/usr/bin/python3|-W ignore|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"what env -S makes of it", "python3|-I|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"a flag with its value apart", "python3|-X|utf8|-W|ignore|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"a module given the name", "python3|-m|pdb|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", false},
		{"script alone", "swift-object-server|/etc/swift/object-server/1.conf", true},
		{"another path of the script", "/opt/swift/bin/swift-object-server|/etc/swift/object-server/1.conf", true},
		{"more arguments", "swift-object-server|/etc/swift/object-server/1.conf|once|verbose", true},
		{"the conf's path spelled otherwise", "swift-object-server|/etc/swift//object-server/./1.conf", true},
		{"another conf", "swift-object-server|/etc/swift/object-server/11.conf", false},
		{"a conf of the same name elsewhere", "swift-object-server|/etc/swift/container-server/1.conf", false},
		{"the conf, case folded", "swift-object-server|/etc/swift/object-server/1.CONF", false},
		{"the conf as a prefix", "swift-object-server|/etc/swift/object-server/1.conf.d", false},
		{"the conf further on", "swift-object-server|-v|/etc/swift/object-server/1.conf", false},
		{"relative conf", "swift-object-server|1.conf", false},
		{"no conf", "python3|/usr/bin/swift-object-server", false},
		{"another server of the same conf", "python3|/usr/bin/swift-object-auditor|/etc/swift/object-server/1.conf", false},
		{"reading its log", "tail|-f|/var/log/swift-object-server|/etc/swift/object-server/1.conf", false},
		{"reading its log of another name", "tail|-f|/var/log/swift-object-server.log", false},
		{"editing it", "vim|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", false},
		{"another script given the name", "python3|deploy.py|swift-object-server|/etc/swift/object-server/1.conf", false},
		{"code given the name", "python3|-c|import x|swift-object-server|/etc/swift/object-server/1.conf", false},
		{"another interpreter", "bash|/usr/bin/swift-object-server|/etc/swift/object-server/1.conf", false},
		{"the interpreter alone", "python3", false},
		{"the interpreter with flags alone", "python3|-i|-", false},
		{"its directory", "/usr/bin/swift-object-server/x|/etc/swift/object-server/1.conf", false},
		{"a longer name", "swift-object-server2|/etc/swift/object-server/1.conf", false},
		{"all in one word", "swift-object-server /etc/swift/object-server/1.conf", false},
		{"an empty first word", "|swift-object-server|/etc/swift/object-server/1.conf", false},
	} {
		if got := object.Matches(strings.Split(tt.argv, "|")); got != tt.want {
			t.Errorf("%s: Matches(%q) = %v", tt.about, tt.argv, got)
		}
	}
	if object.Matches(nil) {
		t.Error("no command line matches")
	}
}

// TestMatchesOtherwise is about other identities than that of a script with a conf.
func TestMatchesOtherwise(t *testing.T) {
	flags := Identity{Commands: []string{"swift-object-server"}, Args: [][]string{{"-c", "/a.conf"}, {"-c", "/old/a.conf"}}}
	binary := Identity{Commands: []string{"memcached"}}
	title := Identity{Commands: []string{"nginx"}, Args: [][]string{{"-c", "/n.conf"}}, Match: func(s string) bool { return s == "nginx: master process" }}
	for _, tt := range []struct {
		about string
		id    Identity
		argv  string
		want  bool
	}{
		{"one of several", flags, "swift-object-server|-c|/old/a.conf", true},
		{"none of several", flags, "swift-object-server|-c|/b.conf", false},
		{"half of one", flags, "swift-object-server|-c", false},
		{"any arguments", binary, "/usr/bin/memcached|-m|64", true},
		{"no arguments", binary, "memcached", true},
		{"a script where there is none", binary, "python3|memcached", false},
		{"title", title, "nginx: master process", true},
		{"title with padding", title, "nginx: master process | ", true},
		{"title in words", title, "nginx:|master|process", true},
		{"before the title", title, "/usr/sbin/nginx|-c|/n.conf", true},
		{"another title", title, "nginx: worker process", false},
	} {
		if got := tt.id.Matches(strings.Split(tt.argv, "|")); got != tt.want {
			t.Errorf("%s: Matches(%q) = %v", tt.about, tt.argv, got)
		}
	}
	if binary.Matches([]string{}) {
		t.Error("no command line matches")
	}
}

// FuzzMatches splits a command line and compares it. The properties: splitting
// and joining loses nothing but NULs at the end, only arguments decide that are
// there, and what matches shows the command and the conf as two arguments side
// by side.
func FuzzMatches(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "python3\x00/usr/bin/demo-server\x00/etc/demo/1.conf\x00", "demo-server\x00/etc/demo//1.conf",
		"python3\x00-u\x00demo-server\x00/etc/demo/1.conf\x00once\x00", "tail\x00-f\x00demo-server\x00/etc/demo/1.conf\x00",
		"demo-server\x00/etc/demo/11.conf\x00", "\x00demo-server\x00", "demo-server /etc/demo/1.conf",
		"python3\x00-X\x00utf8\x00demo-server\x00/etc/demo/1.conf", "python3\x00-0\x00\x00demo-server\x00/etc/demo/1.conf",
		"python3\x00-m\x00other\x00demo-server\x00/etc/demo/1.conf",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		argv := splitCmdline(raw)
		if got, want := strings.Join(argv, "\x00"), strings.TrimRight(string(raw), "\x00"); got != want {
			t.Fatalf("splitCmdline(%q) joins to %q", raw, got)
		}
		if !serverID.Matches(argv) {
			return
		}
		n := slices.IndexFunc(argv, serverID.names)
		if n < 0 || n+1 >= len(argv) || !sameArg(argv[n+1], "/etc/demo/1.conf") {
			t.Fatalf("matches %q", argv)
		}
		if n > 0 && !slices.Contains(serverID.Interpreters, filepath.Base(argv[0])) {
			t.Fatalf("matches %q behind another command", argv)
		}
		for i := 1; i < n; i++ {
			if !strings.HasPrefix(argv[i], "-") && !takesValue(argv[i-1]) {
				t.Fatalf("matches %q behind %q", argv, argv[i])
			}
		}
		if serverID.Matches(argv[:n+1]) {
			t.Fatalf("matches %q without its conf", argv[:n+1])
		}
		if !serverID.sameCommand(argv) {
			t.Fatalf("%q is not the same command", argv)
		}
	})
}

// takesValue says whether a word behind flag may be its value: "-X utf8", but
// not "-c code" nor "-m module".
func takesValue(flag string) bool {
	return len(flag) == 2 && flag[0] == '-' && !strings.ContainsAny(flag, "cemE")
}
