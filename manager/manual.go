package manager

import (
	"context"
	_ "embed"
	"strings"

	"mgr/aliases"
	"mgr/server"
)

//go:embed manual/mgr.1
var mgrPage string

//go:embed manual/mgr.conf.5
var confPage string

// SystemProfile is read where no other profile is named, if it is there.
const SystemProfile = "/etc/mgr/mgr.conf"

// manuals are the manual pages.
var manuals = []string{"mgr", "mgr.conf"}

// manual prints a manual page.
func (m *Manager) manual(context.Context, []*server.Server) int {
	page := mgrPage
	if m.words[0] == "mgr.conf" {
		page = confPage
	}
	return m.print(fillIn(page, m.Flags))
}

// fillers are what is filled in for the lines @NAME@ of the pages.
func fillers(flags []Flag) map[string]func(*mdoc) {
	return map[string]func(*mdoc){
		"COMMANDS":          (*mdoc).commands,
		"OPTIONS":           (*mdoc).options,
		"ENVIRONMENT":       func(d *mdoc) { d.environment(flags) },
		"EXITS":             func(d *mdoc) { d.exits(Exits) },
		"STATUS_EXITS":      func(d *mdoc) { d.exits(StatusExits) },
		"SECTIONS":          func(d *mdoc) { d.docs(aliases.SectionDocs) },
		"TYPES":             (*mdoc).types,
		"KEYS":              (*mdoc).keys,
		"ACCEPTED":          func(d *mdoc) { d.names(aliases.AcceptedKeys()) },
		"ACCEPTED_SECTIONS": func(d *mdoc) { d.names(aliases.AcceptedSections()) },
		"VARIABLES":         func(d *mdoc) { d.docs(aliases.VariableDocs) },
	}
}

// fillIn fills in a page.
func fillIn(page string, flags []Flag) string {
	var d mdoc
	fillers := fillers(flags)
	for line := range strings.Lines(strings.ReplaceAll(page, "@SYSTEM_PROFILE@", SystemProfile)) {
		line = strings.TrimSuffix(line, "\n")
		if fill := fillers[strings.Trim(line, "@")]; fill != nil && strings.HasPrefix(line, "@") {
			fill(&d)
			continue
		}
		d.line(line)
	}
	return d.String()
}

func (d *mdoc) commands() {
	before := ""
	for _, c := range Commands() {
		switch {
		case len(c.Words) > 0:
			d.line(".It Cm ", c.Name, " Cm ", strings.Join(c.Words, " | "))
		case c.bare:
			d.line(".It Cm ", c.Name)
		case c.all:
			d.line(".It Oo Ar SERVER ... Oc Cm ", c.Name)
		default:
			d.line(".It Ar SERVER ... Cm ", c.Name)
		}
		if c.Long == before {
			d.note(c.Help)
			continue
		}
		d.text(c.Long)
		before = c.Long
	}
}

func (d *mdoc) options() {
	for _, doc := range FlagDocs {
		var names []string
		for _, syntax := range strings.Split(strings.Trim(doc.Syntax, "`"), "`, `") {
			name, value, takes := strings.Cut(syntax[1:], " ")
			if takes {
				name += " Ar " + value
			}
			names = append(names, "Fl "+name)
		}
		d.line(".It ", strings.Join(names, " , "))
		d.note(doc.Text)
	}
}

func (d *mdoc) environment(flags []Flag) {
	for _, f := range flags {
		if f.Env != "" {
			d.line(".It Ev ", f.Env)
			d.line("stands in for")
			d.line(".Fl -", f.Name)
		}
	}
}

func (d *mdoc) exits(table []Exit) {
	for _, e := range table {
		d.line(".It ", e.Status)
		d.note(e.Text)
	}
}

func (d *mdoc) docs(docs []aliases.Doc) {
	for _, doc := range docs {
		d.line(".It ", items(doc.Name))
		d.note(doc.Text)
	}
}

// items are the names of an item of a list, each in backquotes, as macros.
func items(names string) string {
	var out []string
	for _, name := range strings.Split(strings.Trim(names, "`"), "`, `") {
		out = append(out, "Ic "+quoted(name))
	}
	return strings.Join(out, " , ")
}

func (d *mdoc) types() {
	for _, typ := range aliases.KeyTypes {
		d.line(".It Ar ", typ.Name)
		d.note(typ.Text)
	}
}

func (d *mdoc) keys() {
	for _, key := range aliases.KeyDocs {
		d.line(".It Ic ", key.Name, " = Ar ", key.Type)
		d.note(key.Text)
		d.note("default: " + key.Otherwise())
	}
}

// names lists names within a sentence, and ends it.
func (d *mdoc) names(names []string) {
	for n, name := range names {
		end := " ,"
		if n == len(names)-1 {
			end = " ."
		}
		d.line(".Ic ", quoted(name), end)
	}
}
