package manager

// A FlagDoc is what README and mgr(1) say of an option, or of several that belong
// together, `code` in backquotes.
type FlagDoc struct{ Syntax, Text string }

// FlagDocs are the options, in the order of --help, which has one line for each.
var FlagDocs = []FlagDoc{
	{"`-v`, `--verbose`", "says more"},
	{"`-q`, `--quiet`", "prints errors and warnings only"},
	{"`-w`, `--no-wait`", "`start`, `reload` and `reload-seamless` do not wait until the servers are ready"},
	{"`-o`, `--once`", "`start` runs one pass of the programs that can"},
	{"`-n`, `--no-daemon`", "`start` stays in the foreground"},
	{"`-g`, `--graceful`", "`stop` and `kill-children` send the graceful signal"},
	{"`-c`, `--config-num N`", "acts on the Nth conf of each server only, in the order of `list`"},
	{"`-k`, `--kill-wait SECONDS`", "limits how long `stop` waits in all; fractions are allowed. It also ends a schedule of signals: if it is shorter than the schedule, KILL may never come; use `--kill-after-timeout`. Default: the program's `stopwaitsecs`, 15 for Swift"},
	{"`--kill-after-timeout`", "after the kill wait, kills the server and everything that belongs to it"},
	{"`--serial N`", "`restart` and `reload` take N instances at a time, tier by tier, and end at the first failure; 0: all at once"},
	{"`--pause SECONDS`", "with `--serial`: pauses SECONDS in between"},
	{"`--stale`", "`restart`, `reload` and `reload-seamless` touch only what runs with an older conf or command than the one on disk, see below"},
	{"`--wait-drained SECONDS`", "`reload-seamless` waits for the old workers to finish; it fails if some have not by then. `-v` lists them"},
	{"`-f`, `--follow`", "`logs` follows the logs until it is interrupted"},
	{"`--lines N`", "`logs` prints the last N lines of each log; default: 50. With `logs`, `-n N` is short for it"},
	{"`--watch SECONDS`", "`stats` repeats at this interval until it is interrupted"},
	{"`--lock-wait SECONDS`", "limits how long a command waits in all, with `--serial` how long each step does, for other mgrs that act on the same instances. Default: 30"},
	{"`-x`, `--except SERVER`", "leaves out SERVER; may be repeated"},
	{"`--strict`, `--non-strict`", "a program without a conf is, or is not, an error. Default: it is one if every word is the name of a program"},
	{"`-r`, `--run-dir DIR`", "pidfiles are below DIR; also `$MGR_RUN_DIR`"},
	{"`--conf-dir DIR`", "confs are below DIR; also `$MGR_CONF_DIR`"},
	{"`--profile FILE`", "reads the programs from FILE, a file or a pipe that somebody writes to; also `$MGR_PROFILE`. Default: /etc/mgr/mgr.conf if it exists (an error if it cannot be read), else the built-in profile"},
	{"`--all`", "`status` on a terminal shows all rows, even if they do not fit"},
	{"`--dry-run`", "prints, in order, what would be tested, signalled, started, removed and waited for, and touches nothing: no signal, no lock, no file. It decides as the command does; its exit status and errors are those that it predicts"},
	{"`--json`", "prints one JSON document instead of lines, see below; errors go to stderr too"},
	{"`--color WHEN`", "colours `status`, `logs` and `stats`: `auto` (on a terminal, unless `$NO_COLOR` is set), `always`, `never`"},
	{"`--compat`", "behaves as swift-init does, see below"},
	{"`--version`, `-h`, `--help`", "prints the version; prints the help, or that of a command"},
}
