package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"mgr/aliases"
	"mgr/manager"
	"mgr/server"
)

// candidates is what the word at the cursor may become.
func (c *completion) candidates() []candidate {
	switch {
	case c.value != nil:
		return c.values()
	case !c.ended && strings.HasPrefix(c.current, "-"):
		return c.optionNames()
	}
	if cmd, ok := c.first(); ok {
		switch {
		case !cmd.Bare():
			return c.servers(c.current)
		case len(c.words) == 1:
			return candidatesOf(cmd.Words)
		}
		return nil
	}
	if _, ok := c.last(); ok {
		return nil
	}
	var list []candidate
	for _, cmd := range manager.Commands() {
		if len(c.words) == 0 || !cmd.Bare() {
			list = append(list, candidate{cmd.Name, cmd.Help})
		}
	}
	return append(list, c.servers(c.current)...)
}

// first is the command, if it stands in the first place.
func (c *completion) first() (cmd manager.Command, ok bool) {
	if len(c.words) > 0 {
		cmd, ok = manager.Lookup(c.words[0])
	}
	return cmd, ok
}

// last is the command behind servers.
func (c *completion) last() (cmd manager.Command, ok bool) {
	if len(c.words) > 1 {
		cmd, ok = manager.Lookup(c.words[len(c.words)-1])
	}
	return cmd, ok
}

func candidatesOf(words []string) []candidate {
	var list []candidate
	for _, word := range words {
		list = append(list, candidate{word: word})
	}
	return list
}

// values are those of an option.
func (c *completion) values() []candidate {
	var list []candidate
	switch value := strings.TrimPrefix(c.current, c.prefix); {
	case c.value.Values != nil:
		list = candidatesOf(c.value.Values)
	case c.value.Value == "FILE":
		return []candidate{{files, c.prefix}}
	case c.value.Value == "DIR":
		return []candidate{{directories, c.prefix}}
	case c.value.Value == "SERVER":
		list = c.servers(value)
	}
	for n := range list {
		list[n].word = c.prefix + list[n].word
	}
	return list
}

// optionNames are the options that are not there yet and that mean something to
// the command, and the word at the cursor itself if it is -v or -vq.
func (c *completion) optionNames() []candidate {
	fits := c.fitting()
	var list []candidate
	for _, f := range c.flags {
		if (c.given[f.Name] && f.Name != "except") || !fits(f) {
			continue
		}
		list = append(list, candidate{"--" + f.Name, strings.ReplaceAll(f.Help, "\n", " ")})
	}
	if len(c.current) > 1 && c.current[1] != '-' {
		if taken, _, err := short(c.current, []string{"value"}, c.table); err == nil {
			name, _, _ := strings.Cut(taken[len(taken)-1][2:], "=")
			list = append(list, candidate{c.current, c.flag(name).Help})
		}
	}
	return list
}

// fitting gives what says whether an option goes with the others, and with the
// command if there is one. If they are wrong already, every one does.
func (c *completion) fitting() func(manager.Flag) bool {
	cmd, known := c.last()
	if !known {
		cmd, known = c.first()
	}
	good := func(argv []string) bool {
		with, err := parse(argv, flags())
		if err != nil {
			return false
		}
		o, err := options(with)
		return err == nil && (!known || o.Fit(cmd) == nil)
	}
	if !good(c.argv) {
		return func(manager.Flag) bool { return true }
	}
	return func(f manager.Flag) bool {
		arg := "--" + f.Name
		switch {
		case f.Values != nil:
			arg += "=" + f.Values[0]
		case f.Value != "":
			arg += "=1"
		}
		return good(append(slices.Clip(c.argv), arg))
	}
}

// servers are the groups and programs that there are, and, where typed is a name
// already, with or without a dot or a colon behind it, the confs and processes
// that go with it.
func (c *completion) servers(typed string) []candidate {
	if info, err := os.Stat(c.options.String("profile")); err == nil && !info.Mode().IsRegular() {
		return nil // a pipe would keep whoever types waiting
	}
	f, err := fleet(c.options)
	if err != nil {
		return nil
	}
	defer f.Close()
	s := naming{fleet: f, seen: map[string]bool{}}
	for _, word := range c.words {
		s.seen[word] = true
	}
	for _, name := range f.Profile.Names() {
		s.add(name, s.kind(name))
	}
	if kind := s.kind(typed); kind != "" {
		s.add(typed, kind)
	}
	for at, sep := range typed + "." {
		switch sep {
		case '.':
			s.confs(typed[:at])
		case ':':
			s.processes(typed[:at])
		}
	}
	return s.list
}

// A naming is a list of names of servers in the making.
type naming struct {
	fleet *server.Fleet
	seen  map[string]bool
	list  []candidate
}

// add adds a word, unless it means nothing, or is there already.
func (s *naming) add(word, help string) {
	if s.seen[word] || s.expand(word) == nil {
		return
	}
	s.seen[word] = true
	s.list = append(s.list, candidate{word, help})
}

// expand gives what a word means; nil: nothing, or nothing that is installed.
func (s *naming) expand(word string) []*aliases.Target {
	targets, errs := s.fleet.Profile.Expand(aliases.Selection{Words: []string{word}, Installed: s.fleet.Installed})
	if len(errs) > 0 {
		return nil
	}
	return targets
}

func (s *naming) kind(name string) string {
	switch p := s.fleet.Profile; {
	case p.Program(name) != nil:
		return "program"
	case p.Group(name) != nil:
		return "group of " + strconv.Itoa(len(p.Group(name).Programs))
	case strings.ContainsAny(name, "*?[{") && !strings.ContainsAny(name, ".:"):
		return "glob"
	}
	return ""
}

// confs adds name with each conf, or number of a process, that it has.
func (s *naming) confs(name string) {
	targets := s.expand(name)
	if targets == nil || strings.Contains(name, ":") {
		return
	}
	servers, err := s.fleet.Servers(targets, 0)
	if err != nil {
		return
	}
	for _, srv := range servers {
		if len(srv.Program.Conf) == 0 && !srv.Program.Numbered() {
			continue
		}
		for _, i := range srv.Instances {
			if called := i.Names(); !special(called[len(called)-1]) {
				s.add(name+"."+called[len(called)-1], i.Conf)
			}
		}
	}
}

// processes adds name with each of its programs or processes, as supervisord
// writes them.
func (s *naming) processes(name string) {
	var programs []*aliases.Program
	if p := s.fleet.Profile.Program(name); p != nil {
		programs = []*aliases.Program{p}
	} else if g := s.fleet.Profile.Group(name); g != nil {
		programs = g.Programs
	}
	for _, p := range programs {
		if len(p.Conf) > 0 {
			s.add(name+":"+p.Name, "program")
			continue
		}
		for _, proc := range p.Processes() {
			if !special(proc.Name) {
				s.add(name+":"+proc.Name, "process of "+p.Name)
			}
		}
	}
}

// special says whether a name would be taken for a glob.
func special(name string) bool { return name == "" || strings.ContainsAny(name, `*?[]{}\`) }
