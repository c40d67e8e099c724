package manager

// A FlagDoc is what README and mgr(1) say of an option, or of several that belong
// together, `code` in backquotes.
type FlagDoc struct{ Syntax, Text string }

// FlagDocs are the options, in the order of --help, which has one line for each.
var FlagDocs = []FlagDoc{
	{"`-v`, `--verbose`", "says more"},
	{"`-q`, `--quiet`", "prints errors and warnings only"},
	{"`-w`, `--no-wait`", "`start`, `reload` and `reload-seamless` do not wait until the servers are ready"},
	{"`-o`, `--once`", "`start` runs one pass of what can"},
	{"`-n`, `--no-daemon`", "`start` stays in the foreground"},
	{"`-g`, `--graceful`", "`stop` and `kill-children` send the graceful signal"},
	{"`-c`, `--config-num N`", "only the Nth conf of each server, in the order of `list`"},
	{"`-k`, `--kill-wait SECONDS`", "how long `stop` waits for an end in all; fractions are allowed. A schedule of signals ends with it, so a shorter one may never come to its KILL: use `--kill-after-timeout`. Default: the program's `stopwaitsecs`, 15 for Swift"},
	{"`--kill-after-timeout`", "then kills the server and everything that belongs to it"},
	{"`--serial N`", "`restart` and `reload` so many instances at a time, tier after tier, and end at the first failure; 0: all at once"},
	{"`--pause SECONDS`", "with `--serial`: in between"},
	{"`--stale`", "`restart`, `reload` and `reload-seamless` touch only what runs with an older conf or command than the one on disk, see below"},
	{"`--wait-drained SECONDS`", "`reload-seamless` waits for the old workers to finish what they do; that some have not then is a failure. `-v` lists them"},
	{"`-f`, `--follow`", "`logs` goes on with what is written from now on, until it is interrupted"},
	{"`--lines N`", "`logs` prints the last N lines of each log; default: 50. With `logs`, `-n N` is short for it"},
	{"`--watch SECONDS`", "`stats` looks again and again, with so many seconds in between, until it is interrupted"},
	{"`--lock-wait SECONDS`", "how long to wait for another mgr that acts on the same instance. Default: 30"},
	{"`-x`, `--except SERVER`", "leaves out SERVER; may be repeated"},
	{"`--strict`, `--non-strict`", "a program without a conf is an error, or is none. Default: it is one if every word is the name of a program"},
	{"`-r`, `--run-dir DIR`", "pidfiles are below DIR; also `$MGR_RUN_DIR`"},
	{"`--conf-dir DIR`", "confs are below DIR; also `$MGR_CONF_DIR`"},
	{"`--profile FILE`", "the programs are those of FILE, a file or a pipe that somebody writes to; also `$MGR_PROFILE`, else /etc/mgr/mgr.conf if there is one (that it cannot be read is an error), else the built-in profile"},
	{"`--all`", "`status` on a terminal shows all rows, more than a screen too"},
	{"`--dry-run`", "says what would be tested, signalled, started, removed and waited for, in order, and touches nothing: no signal, no lock, no file. It decides as the command does, and its exit status and errors are those that it foretells"},
	{"`--json`", "prints one JSON document instead of lines, see below; errors go to stderr, too"},
	{"`--color WHEN`", "colours `status`, `logs` and `stats`: `auto` (on a terminal, unless `$NO_COLOR` is set), `always`, `never`"},
	{"`--compat`", "behaves as swift-init does, see below"},
	{"`--version`, `-h`, `--help`", "prints the version; prints help, or that of a command"},
}
