package manager

// A Flag is one option of the command line, as help, the manual and completion
// tell of it.
type Flag struct {
	Name   string   // without its dashes
	Short  string   // a letter, or ""
	Value  string   // what its value is called: DIR, SECONDS; "": it takes none
	Values []string // all values that there are; nil: they are not to be counted
	Help   string   // what it does
	Env    string   // the variable of the environment that stands in for it, or ""
}

// Syntax is how it is written: -k, --kill-wait SECONDS.
func (f Flag) Syntax() string {
	s := "--" + f.Name
	if f.Short != "" {
		s = "-" + f.Short + ", " + s
	}
	if f.Value != "" {
		s += " " + f.Value
	}
	return s
}
