package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mgr/manager"
)

func TestPermute(t *testing.T) {
	tests := []struct{ args, want, err string }{
		{"", "--", ""},
		{"main start", "-- main start", ""},
		{"main start -v", "--verbose -- main start", ""},
		{"-v main -q start -w", "--verbose --quiet --no-wait -- main start", ""},
		{"main start -vqw", "--verbose --quiet --no-wait -- main start", ""},
		{"main stop -k5", "--kill-wait=5 -- main stop", ""},
		{"main stop -k=5", "--kill-wait=5 -- main stop", ""},
		{"main stop -k 5", "--kill-wait=5 -- main stop", ""},
		{"main stop -vk5", "--verbose --kill-wait=5 -- main stop", ""},
		{"main stop -k -1", "--kill-wait=-1 -- main stop", ""},
		{"main stop -gc 2", "--graceful --config-num=2 -- main stop", ""},
		{"main stop --kill-wait 5 -v", "--kill-wait=5 --verbose -- main stop", ""},
		{"main stop --kill-wait=5", "--kill-wait=5 -- main stop", ""},
		{"main stop --run-dir=", "--run-dir= -- main stop", ""},
		{"-x a main --except b stop -xc", "--except=a --except=b --except=c -- main stop", ""},
		{"main -- -v start", "-- main -v start", ""},
		{"-- main --", "-- main --", ""},
		{"main - start", "-- main - start", ""},
		{"main start --profile --", "--profile=-- -- main start", ""},
		{"main start --verb", "--verbose -- main start", ""},
		{"main stop --kill-w=5", "--kill-wait=5 -- main stop", ""},
		{"main stop --kill", "", "unknown option --kill"},
		{"main start --vrebose", "", `unknown option --vrebose (nearest: "verbose"`},
		{"main start --v", "", "unknown option --v"},
		{"main start --=x", "", "unknown option --"},
		{"main start ---v", "", "unknown option ---v"},
		{"main start -vz", "", "unknown option -z"},
		{"main start --verbose=yes", "", "option --verbose takes no value"},
		{"main stop --kill-wait", "", "option --kill-wait needs a value"},
		{"main stop -vk", "", "option -k (--kill-wait) needs a value"},
	}
	for _, tt := range tests {
		got, err := permute(strings.Fields(tt.args), flags())
		if err != nil || tt.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.err) || tt.err == "" {
				t.Errorf("%q: got %v, %v, want error %q", tt.args, got, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.args, diff)
		}
	}
}

// -n is short for --lines N of logs, and for --no-daemon of everything else.
func TestArrange(t *testing.T) {
	tests := []struct{ args, want, err string }{
		{"logs -n 50 object", "--lines=50 -- logs object", ""},
		{"object logs -n50", "--lines=50 -- object logs", ""},
		{"object logs -fn 50 -v", "--follow --lines=50 --verbose -- object logs", ""},
		{"-n 50 object logs -f", "--lines=50 --follow -- object logs", ""},
		{"-f object logs", "--follow -- object logs", ""},
		{"object LOGS -n=5", "--lines=5 -- object LOGS", ""},
		{"logs --lines 5 object", "--lines=5 -- logs object", ""},
		{"-x logs -n 5 object logs", "--except=logs --lines=5 -- object logs", ""},
		{"logs -n 50", "--lines=50 -- logs", ""},
		{"object logs -n", "", "option -n (--lines) needs a value"},
		{"-n object start", "--no-daemon -- object start", ""},
		{"object start -n", "--no-daemon -- object start", ""},
		{"start -n object", "--no-daemon -- start object", ""},
		{"start -nv object", "--no-daemon --verbose -- start object", ""},
		{"-x logs object start -n", "--except=logs --no-daemon -- object start", ""},
		{"logs start -n", "--no-daemon -- logs start", ""},
		{"object start -n5", "", "unknown option -5"},
		{"object logs --no-daemon", "--no-daemon -- object logs", ""},
		{"-- object logs -n 5", "-- object logs -n 5", ""},
		{"", "--", ""},
	}
	for _, tt := range tests {
		got, err := arrange(strings.Fields(tt.args), flags())
		if err != nil || tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: got %v, %v, want error %q", tt.args, got, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.args, diff)
		}
	}
}

// Whatever the arguments are: words stay in their order behind the options, and what permute made it leaves alone.
func FuzzPermute(f *testing.F) {
	for _, seed := range []string{"main start -vk 5", "-x a\n-- -v", "--kill-wait=5 -", "-", "---", "--=\xff", "-k\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		got, err := permute(args, flags())
		if err != nil {
			return
		}
		end := slices.Index(got, "--")
		for _, option := range got[:end] {
			name, _, _ := strings.Cut(option, "=")
			if !strings.HasPrefix(name, "--") || byName(name[2:], flags()) == nil {
				t.Errorf("%q: option %q", args, option)
			}
		}
		for _, word := range got[end+1:] {
			if !slices.Contains(args, word) {
				t.Errorf("%q: word %q", args, word)
			}
		}
		again, err := permute(got, flags())
		if diff := cmp.Diff(got, again); diff != "" || err != nil {
			t.Errorf("%q: a second time: %v\n%s", args, err, diff)
		}
	})
}

func TestSplit(t *testing.T) {
	tests := []struct{ words, command, servers, err string }{
		{"main start", "start", "main", ""},
		{"start main", "start", "main", ""},
		{"start object account", "start", "object account", ""},
		{"object account START", "start", "object account", ""},
		{"object force_reload", "force-reload", "object", ""},
		{"start stop", "stop", "start", ""},
		{"stop start object", "stop", "start object", ""},
		{"profile", "profile", "", ""},
		{"", "", "", "no server and no command"},
		{"main", "", "", `no command: what is to be done with "main"?`},
		{"start", "", "", `no server: what is to be done "start" to?`},
		{"main strat", "", "", `unknown command "strat" (nearest: "start"`},
		{"frobnicate main", "", "", `unknown command "main"`},
		{"strat object", "", "", `unknown command "object", nor is "strat" one (nearest: "start"`},
		{"main profile", "", "", `"profile" takes no server`},
		{"completion zsh", "completion", "zsh", ""},
		{"zsh completion", "completion", "zsh", ""},
		{"completion", "", "", `"completion" takes one of bash, fish, zsh`},
		{"completion bash zsh", "", "", `"completion" takes one of`},
	}
	for _, tt := range tests {
		cmd, servers, err := split(strings.Fields(tt.words))
		switch {
		case tt.err != "":
			if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("%q: got %v, want %s", tt.words, err, tt.err)
			}
		case err != nil || cmd.Name != tt.command || strings.Join(servers, " ") != tt.servers:
			t.Errorf("%q: got %q, %q, %v", tt.words, cmd.Name, servers, err)
		}
	}
	for _, cmd := range manager.Commands() {
		words := []string{"all", cmd.Name}
		if cmd.Bare() {
			words = words[1:]
		}
		if len(cmd.Words) > 0 {
			words = append(words, cmd.Words[0])
		}
		if got, _, err := split(words); err != nil || got.Name != cmd.Name {
			t.Errorf("%q: got %q, %v", words, got.Name, err)
		}
	}
}

// Help fits a terminal, and leaves out no command and no option.
func TestHelp(t *testing.T) {
	texts := map[string]string{"": help(nil, flags())}
	for _, cmd := range manager.Commands() {
		texts[cmd.Name] = help([]string{"object", strings.ToUpper(cmd.Name)}, flags())
		if !strings.Contains(texts[""], "\n  "+cmd.Name+" ") || !strings.Contains(texts[cmd.Name], cmd.Help) {
			t.Errorf("help lacks %s", cmd.Name)
		}
	}
	for _, flag := range flags() {
		for _, name := range flag.Names() {
			dashes := "--"
			if len(name) == 1 {
				dashes = "-"
			}
			if !strings.Contains(texts[""], " "+dashes+name) {
				t.Errorf("help lacks %s%s", dashes, name)
			}
		}
	}
	for name, text := range texts {
		if !strings.HasSuffix(text, "\n") || strings.Contains(text, "`NAME`") {
			t.Errorf("help of %q ends in %q", name, text[max(0, len(text)-20):])
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > 80 || strings.TrimRight(line, " ") != line {
				t.Errorf("help of %q: %q has %d columns", name, line, utf8.RuneCountInString(line))
			}
		}
	}
}

// TestFlagDocs: README and the manual tell of every option, as help writes it.
func TestFlagDocs(t *testing.T) {
	var want, got []string
	for _, f := range describe(flags()) {
		want = append(want, strings.Split(f.Syntax(), ", ")...)
	}
	for _, d := range manager.FlagDocs {
		got = append(got, strings.Split(strings.Trim(d.Syntax, "`"), "`, `")...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("options (-flags +FlagDocs):\n%s", diff)
	}
}

func TestAsksHelp(t *testing.T) {
	for words, want := range map[string]bool{
		"": false, "help": true, "help start": true, "help object": false, "help help": true, "start help": false,
		"help stop start": false, "start": false, "object start": false,
	} {
		if got := asksHelp(strings.Fields(words)); got != want {
			t.Errorf("%q: got %v, want %v", words, got, want)
		}
	}
}
