package manager

// An Exit is an exit status and what it says.
type Exit struct {
	Status string
	Short  string // in --help; "": it does not stand there
	Text   string // in README and in the manual, `code` in backquotes
}

// Exits are the exit statuses of all commands but status.
var Exits = []Exit{
	{"0", "the requested state holds", "the requested state holds. Stopping what is stopped and starting what runs is no failure"},
	{"1", "it does not", "some instance is not in the requested state"},
	{"2", "bad usage, nothing was touched", "bad usage, unknown server, bad profile: nothing was touched"},
	{"128 + N", "interrupted by signal N", "signal N interrupted mgr; stderr says what was done and what was not"},
}

// StatusExits are those of status, as in the Linux Standard Base; the first that
// holds.
var StatusExits = []Exit{
	{"2", "", "bad usage, unknown server, bad profile"},
	{"1", "some are dead with a pidfile left", "some instance is dead, or its pidfile names another process or is malformed"},
	{"3", "some are not running", "some instance does not run"},
	{"4", "cannot tell", "mgr cannot tell the state of some instance"},
	{"0", "all run", "all run"},
}
