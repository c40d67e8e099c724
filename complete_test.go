package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// completing are shells that have loaded the completion, as a user's files do it.
// ^T inserts all candidates.
var completing = []struct {
	name, shell string
	argv        []string
	file        string // that it reads at its start
	text        string
}{
	{"bash", "bash", []string{"--noprofile", "--rcfile", "rc", "-i"}, "rc", `
tell() { printf '%s\n' "$READLINE_LINE" >"$ANSWERS"; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-o": tell'
bind '"\C-t": insert-completions'
bind 'set bell-style none'
source <(mgr completion bash)
echo ready >"$ANSWERS"
`},
	{"bash without colons", "bash", []string{"--noprofile", "--rcfile", "rc", "-i"}, "rc", `
tell() { printf '%s\n' "$READLINE_LINE" >"$ANSWERS"; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-o": tell'
bind '"\C-t": insert-completions'
bind 'set bell-style none'
COMP_WORDBREAKS=${COMP_WORDBREAKS//[:=]/}
source <(mgr completion bash)
echo ready >"$ANSWERS"
`},
	{"zsh", "zsh", []string{"-i"}, ".zshrc", `
tell() { print -r -- "$BUFFER" >$ANSWERS; BUFFER= }
zle -N tell
bindkey '^O' tell
mgr completion zsh >_mgr
fpath=($PWD $fpath)
autoload -Uz compinit
compinit -u -D
zle -C all-matches complete-word _generic
zstyle ':completion:all-matches:*' insert yes
zstyle ':completion:all-matches::::' completer _all_matches _complete
bindkey '^T' all-matches
print ready >$ANSWERS
`},
	{"zsh, sourced", "zsh", []string{"-i"}, ".zshrc", `
tell() { print -r -- "$BUFFER" >$ANSWERS; BUFFER= }
zle -N tell
bindkey '^O' tell
autoload -Uz compinit
compinit -u -D
zle -C all-matches complete-word _generic
zstyle ':completion:all-matches:*' insert yes
zstyle ':completion:all-matches::::' completer _all_matches _complete
bindkey '^T' all-matches
source <(mgr completion zsh)
print ready >$ANSWERS
`},
	{"fish", "fish", []string{"--no-config", "-i", "-C", "source rc"}, "rc", `
function tell; commandline >$ANSWERS; commandline -r ''; end
bind \co tell
function all
    set -l line (commandline -cp)
    commandline -r (string join -- ' ' (commandline -opc) (complete -C "$line" | string replace -r '\t.*' ''))
end
bind \ct all
mgr completion fish | source
echo ready >$ANSWERS
`},
}

// completed are command lines, and what a TAB makes of them; where the shells
// differ, under the name of the shell.
var completed = []struct {
	typed, want string
	but         map[string]string
}{
	{"mgr obj", "mgr object-", nil},
	{"mgr object-s", "mgr object-server ", nil},
	{"mgr nothing", "mgr nothing", nil},
	{"mgr rest", "mgr restart ", nil},
	{"mgr object-server rest", "mgr object-server restart ", nil},
	{"mgr restart object-s", "mgr restart object-server ", nil},
	{"mgr object-server restart object-a", "mgr object-server restart object-a", nil},
	{"mgr -v object-server --grac", "mgr -v object-server --graceful ", nil},
	{"mgr restart --seri", "mgr restart --serial ", nil},
	{"mgr restart --serial 2 --pau", "mgr restart --serial 2 --pause ", nil},
	{"mgr restart -- --seri", "mgr restart -- --seri", nil},
	{"mgr -- object-s", "mgr -- object-server ", nil},
	{"mgr --color=al", "mgr --color=always ", nil},
	{"mgr --color al", "mgr --color always ", nil},
	{"mgr -x object-s", "mgr -x object-server ", nil},
	{"mgr -xobject-s", "mgr -xobject-server ", nil},
	{"mgr --except=object.l", "mgr --except=object.long ", nil},
	{"mgr -k 5 stop object-s", "mgr -k 5 stop object-server ", nil},
	{"mgr completion fi", "mgr completion fish ", nil},
	{"swift-init object-s", "swift-init object-server ", nil},
	{"~/bin/mgr object-s", "~/bin/mgr object-server ", nil},

	{"mgr object.l", "mgr object.long ", nil},
	{"mgr main.l", "mgr main.long ", nil},
	{"mgr object-server.l", "mgr object-server.long ", nil},
	{"mgr object.w", `mgr object.w\$x `, nil},
	{"mgr object.t", "mgr object.t", nil},
	{"mgr memcached:m", "mgr memcached:memcached_0", nil},
	{"mgr memcached:memcached_01", "mgr memcached:memcached_01 ", nil},
	{"mgr main:o", "mgr main:object-server ", nil},

	{"mgr 'object-s", "mgr 'object-server' ", nil},
	{`mgr "object-s`, `mgr "object-server" `, nil},
	{"mgr 'memcached:memcached_01", "mgr 'memcached:memcached_01' ", nil},
	{`mgr obj"ect-s`, `mgr object-server `, map[string]string{"bash": `mgr obj"ect-server" `, "fish": `mgr obj"ect-server" `}},
	{"mgr object-*.l", `mgr object-\*.long `, map[string]string{"fish": "mgr object-*.long "}},
	{"mgr 'object-*.l", "mgr 'object-*.long' ", nil},
	{"mgr '{object-server,cron}.l", "mgr '{object-server,cron}.long' ", nil},
	{"mgr 'object-[", "mgr 'object-[", nil},

	{"mgr --profile other.ini oth", "mgr --profile other.ini other-server ", nil},
	{"mgr --profile=other.ini oth", "mgr --profile=other.ini other-server ", nil},
	{"mgr --profile ~/other.ini oth", "mgr --profile ~/other.ini other-server ", nil},
	{`mgr --profile "$HOME/other.ini" oth`, `mgr --profile "$HOME/other.ini" other-server `, nil},
	{"mgr --profile broken.ini obj", "mgr --profile broken.ini obj", nil},
	{"mgr --profile missing.ini obj", "mgr --profile missing.ini obj", nil},
	{"mgr --profile fifo obj", "mgr --profile fifo obj", nil},
	{"mgr --conf-dir 'dir name' object.o", "mgr --conf-dir 'dir name' object.only ", nil},
	{`mgr --conf-dir dir\ name object.o`, `mgr --conf-dir dir\ name object.only `, nil},

	{"mgr --profile ot", "mgr --profile other.ini ", nil},
	{"mgr --profile ~/ot", "mgr --profile ~/other.ini ", nil},
	{"mgr --profile=ot", "mgr --profile=other.ini ", map[string]string{"bash without colons": "mgr --profile=other.ini"}},
	{"mgr --run-dir di", `mgr --run-dir dir\ name/`, nil},
	{"mgr --run-dir=di", `mgr --run-dir=dir\ name/`, nil},
	{"mgr -rdi", `mgr -rdir\ name/`, nil},
	{"mgr --run-dir ot", "mgr --run-dir ot", map[string]string{"zsh": "mgr --run-dir other.ini "}}, // better than nothing, zsh finds
}

// listed are command lines, and all that the last word may become.
var listed = []struct{ typed, want string }{
	{"mgr object-server no-", "no-daemon no-wait"},
	{"mgr no-", "no-daemon no-wait"},
	{"mgr m", "main manual memcached"},
	{"mgr object", `object object-auditor object-server object.1 object.long object.w\$x`},
	{"mgr memcached.", "memcached.0 memcached.1"},
	{"mgr stop --kill-", "--kill-after-timeout --kill-wait"},
	{"mgr --color ", "always auto never"},
	{"mgr completion ", "bash fish zsh"},
}

// TestCompletion drives real shells on a terminal.
func TestCompletion(t *testing.T) {
	program := filepath.Join(t.TempDir(), "mgr")
	build(t, program, ".")
	for _, c := range completing {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "a.long") // the confs' paths are shown with their names, and are not to be matched
			completionTree(t, dir, map[string]string{c.file: c.text})
			for _, name := range []string{"mgr", "swift-init"} {
				if err := os.Symlink(program, filepath.Join(dir, "bin", name)); err != nil {
					t.Fatal(err)
				}
			}
			s := startShell(t, c.shell, c.argv, dir, "PATH="+dir+"/bin:"+os.Getenv("PATH"), "MGR_PROFILE="+dir+"/web.ini")
			for _, tt := range completed {
				want := tt.want
				for _, name := range []string{c.shell, c.name} {
					if but, ok := tt.but[name]; ok {
						want = but
					}
				}
				if got := s.types(t, tt.typed+"\t"); got != want {
					t.Errorf("%s becomes\n%q, want\n%q", tt.typed, got, want)
				}
			}
			for _, tt := range listed {
				before := strings.Fields(tt.typed[:strings.LastIndexByte(tt.typed, ' ')])
				got := strings.Fields(s.types(t, tt.typed+"\x14"))[len(before):]
				slices.Sort(got)
				if all := strings.ReplaceAll(strings.Join(got, " "), "w$x", `w\$x`); all != tt.want {
					t.Errorf("%s may become\n%q, want\n%q", tt.typed, all, tt.want)
				}
			}
			if strings.Contains(s.wrote(), "mgr:") || t.Failed() {
				t.Errorf("the screen:\n%q", s.wrote())
			}
			if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
				t.Error("a run directory was made")
			}
		})
	}
}

// completionTree makes a home with profiles and confs, and more files.
func completionTree(t *testing.T, dir string, more map[string]string) {
	t.Helper()
	files := map[string]string{
		"web.ini": `[mgr]
conf_dir = %(here)s/conf
run_dir = %(here)s/run
[program:object-server]
command = /bin/true %(conf)s
conf = object-server
[program:object-auditor]
command = /bin/true %(conf)s
conf = object-server
[program:memcached]
command = /bin/true
numprocs = 2
process_name = %(program_name)s_%(process_num)02d
[program:cron]
command = /bin/true
[program:gone]
command = /nowhere/gone
[group:main]
programs = object-server memcached
`,
		"other.ini":                         "[program:other-server]\ncommand = /bin/true\n",
		"broken.ini":                        "[program:object-server]\nnonsense = yes\n",
		"conf/object-server/1.conf":         "",
		"conf/object-server/long.conf":      "",
		"conf/object-server/w$x.conf":       "",
		"conf/object-server/two words.conf": "",
		"conf/object-server/[x].conf":       "",
		"dir name/object-server/only.conf":  "",
		"bin/.keep":                         "",
	}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCompleteHidden: whatever a path holds, it is one line of the answer.
func TestCompleteHidden(t *testing.T) {
	dir := t.TempDir()
	completionTree(t, dir, map[string]string{"conf\n\x1b[2J\t/object-server/7.conf": ""})
	t.Setenv("MGR_PROFILE", filepath.Join(dir, "web.ini"))
	t.Setenv("MGR_CONF_DIR", filepath.Join(dir, "conf\n\x1b[2J\t"))
	want := "object.7\t" + dir + "/conf??[2J?/object-server/7.conf\n"
	if got := complete([]string{"bash", "mgr object.", "object."}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
