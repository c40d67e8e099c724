package aliases

import "slices"

// This file is what README and mgr.conf(5) say of a profile: one table for both,
// so that neither falls behind the parser. Texts are README's: `code` stands in
// backquotes.

// A Doc is what is said of a section or a variable.
type Doc struct{ Name, Text string }

// A KeyDoc is what is said of a key of a program.
type KeyDoc struct {
	Name    string
	Type    string // one of KeyTypes
	Default string // as it would be written; "": there is none
	Without string // what holds without the key, beside or in the place of Default
	Text    string
}

// Otherwise is what holds without the key.
func (d KeyDoc) Otherwise() string {
	if d.Default == "" {
		return d.Without
	}
	if d.Without == "" {
		return "`" + d.Default + "`"
	}
	return "`" + d.Default + "`; " + d.Without
}

// KeyTypes are the types of the values of keys.
var KeyTypes = []Doc{
	{"truth", "`true`, `yes`, `on` or `1`; `false`, `no`, `off` or `0`"},
	{"number", "a decimal number"},
	{"octal", "an octal number, such as `022`"},
	{"seconds", "a number of seconds, 0 or more, fractions allowed"},
	{"size", "a number, optionally with `KB`, `MB` or `GB`, or `unlimited`"},
	{"signal", "the name of a signal, `TERM` or `SIGTERM`, or its number"},
	{"words", "words, split as a shell splits them; nothing else of a shell"},
	{"list", "words, separated by blanks, commas or line ends"},
	{"variables", "`NAME=\"value\"`, separated by commas"},
	{"glob", "a glob that matches the whole text: `*`, `?`, `[a-z]`, `{a,b}`"},
	{"path", "the path of a file or a directory"},
	{"name", "a name or a number"},
	{"text", "any text"},
}

// SectionDocs are the sections that mean something.
var SectionDocs = []Doc{
	{"`[mgr]`", "`conf_dir`, `run_dir` and `log_dir`, absolute paths (/etc, /run/mgr, none)"},
	{"`[include]`", "`files`: more files, or globs, relative to this one. They must be regular files. An included file cannot include others"},
	{"`[defaults]`", "any key of a program, for all programs of this file and of the files it includes. In a program, `KEY =` without a value undoes it, as if neither had the key; an empty `exitcodes` says that none is good"},
	{"`[program:NAME]`", "one program; the order of these sections is the order of everything"},
	{"`[group:NAME]`", "`programs`: names, separated by blanks or commas; `priority`: see there"},
	{"`[supervisord]`", "`environment`, `umask`, `user`, `directory`, `minfds`, `minprocs` are defaults for all programs, `childlogdir` is a `log_dir`"},
}

// KeyDocs are the keys of a program that mean something, in the order of README.
var KeyDocs = []KeyDoc{
	{"command", "words", "", "required", "the command and its arguments, split like a shell's words, run without a shell"},
	{"optional", "truth", "false", "", "groups and globs skip it if it is not installed. Otherwise `start` fails"},
	{"conf", "list", "", "none", "where to look for confs, see below; empty: one instance without a conf"},
	{"deprecated_conf", "list", "", "none", "places to look last, with a warning"},
	{"numprocs", "number", "1", "", "how many instances a program without confs has. After it is lowered, `status` still shows the surplus instances and `stop` still stops them"},
	{"numprocs_start", "number", "0", "", "number of the first instance"},
	{"process_name", "text", "%(program_name)s", "", "name of each instance; with `numprocs` it must contain `%(process_num)d`"},
	{"pidfile", "path", "", "in the run directory, see below", "path of the pidfile, which the server may rewrite, see below"},
	{"forking", "truth", "false", "", "the server alone writes the pidfile, whether or not the command daemonizes"},
	{"match", "glob", "", "none", "a glob for the whole command line, for programs that change theirs; a process that still shows the command is the server too"},
	{"conf_format", "text", "", "none", "`ini`: its confs are INI files as Python's configparser reads them; `why` reports errors in them"},
	{"address", "text", "", "that of `ready`", "where it listens, for `why` and `status`: `tcp:HOST:PORT`, `unix:/PATH`, or `conf:HOSTKEY:PORTKEY`, two keys of the conf's `[DEFAULT]`; may hold variables"},
	{"checkcommand", "words", "", "none", "tests the conf; `restart`, `reload` and `reload-seamless` do nothing unless it exits with 0"},
	{"checkcommand_absent", "glob", "", "none", "a glob for the output of `checkcommand` if this version of the program has no such test: the conf is then not tested"},
	{"ready", "text", "started", "`pidfile` if it is forking", "how it shows that it is ready: `started` (it is executed), `stdout-close` (it closes its stdout and stderr), `pidfile` (it has written its own), `notify` (READY=1, sd_notify(3)), `tcp:HOST:PORT`, `unix:/PATH` (accepts a connection, or datagrams), `http://…` (answers); may hold variables"},
	{"readywaitsecs", "seconds", "60", "", "how long to wait until it is ready; after that the start has failed, and the server is left running. Also limits `checkcommand`, and a start's wait for an address, see below. 0: for ever"},
	{"startsecs", "seconds", "1", "", "how long it must live to count as started, or as reloaded"},
	{"startretries", "number", "3", "", "how often to try again if it dies during its start, after 1, 2, 3 … seconds"},
	{"exitcodes", "list", "0", "", "exit statuses that are no failure: in `once` and `no-daemon`, and right after the start if `startsecs` is 0"},
	{"priority", "number", "999", "", "the lowest start first and stop last. The next tier follows when this one is ready, or gone; if it is not, mgr leaves the rest alone. A group's `priority` ranks before those of its programs"},
	{"stopsignal", "signal", "TERM", "", "what `stop` sends: `TERM`, `SIGTERM` or 15; or a schedule of signals, each with the time to wait after it: `QUIT/30/TERM/10/KILL/5`"},
	{"stopwaitsecs", "seconds", "15", "", "how long `stop` waits for its end"},
	{"stopasgroup", "truth", "false", "", "`stop` signals its whole process group and waits for all of it"},
	{"killasgroup", "truth", "true", "", "always true: to kill a server is to kill everything that belongs to it"},
	{"gracefulsignal", "signal", "", "the stop signal", "what `shutdown` and `reload` send to stop it"},
	{"reloadsignal", "signal", "", "none: `reload` restarts it gracefully", "what `reload` sends to make it reread its conf; it must then live for `startsecs`"},
	{"seamlesssignal", "signal", "", "none: left alone, with a note", "what `reload-seamless` sends. `USR2+QUIT`: at the first signal the server starts a successor, which takes over the pidfile; the old server then gets the second"},
	{"seamlessnotify", "text", "", "nowhere", "where, besides `$NOTIFY_SOCKET`, it reports on its re-execution: the name of an abstract socket as in /proc/net/unix, with `@` for NUL and `%(pid)d` for its pid; Swift's is `@swift-notifications@%(pid)d`"},
	{"once_args", "words", "", "none: it cannot run one pass", "words added to the command for `once`"},
	{"console_args", "words", "", "none", "words added to the command for `no-daemon`"},
	{"user", "name", "", "the caller", "the user to run as, with its groups; a name or a number"},
	{"group", "name", "", "the user's", "the group to run as"},
	{"drops_to", "name", "", "none", "the user that it becomes by itself, started as another: without its pidfile it is then found among that user's processes"},
	{"umask", "octal", "022", "", "its umask"},
	{"directory", "path", "/", "", "working directory"},
	{"nice", "number", "", "the caller's", "niceness, -20 to 19"},
	{"environment", "variables", "", "none", "variables to set: `NAME=\"value\",OTHER=value`"},
	{"environment_default", "variables", "", "none", "the same, for variables that the caller has not set"},
	{"limit_nofile", "size", "", "the caller's", "open files, setrlimit(2): a number, optionally with `KB`, `MB` or `GB`, or `unlimited`"},
	{"limit_data", "size", "", "the caller's", "size of the data segment"},
	{"limit_nproc", "size", "", "the caller's", "processes of the user"},
	{"limit_core", "size", "", "the caller's", "size of a core dump"},
	{"stdout_logfile", "path", "AUTO", "", "where its stdout goes: a path, absolute or below `log_dir`; `AUTO`; `NONE`"},
	{"stderr_logfile", "path", "AUTO", "", "the same for stderr"},
	{"redirect_stderr", "truth", "false", "", "stderr goes where stdout goes"},
}

// VariableDocs are the variables that a value may hold.
var VariableDocs = []Doc{
	{"`%(program_name)s`, `%(group_name)s`", "the name of the program; of the first group that names it, or of the program"},
	{"`%(type)s`", "the program's name without its last part: `web` of `web-server`"},
	{"`%(conf)s`, `%(conf_name)s`", "the path of the conf; its name, `1` of 1.conf"},
	{"`%(pidfile)s`", "the path of the pidfile"},
	{"`%(process_num)d`, `%(process_num)02d`", "the number of the instance"},
	{"`%(numprocs)d`", "how many instances there are"},
	{"`%(here)s`", "the directory of the file that uses it"},
	{"`%(host_node_name)s`", "the name of this host"},
	{"`%(ENV_X)s`", "the environment variable X: the program's own, `[supervisord]`'s, or the caller's"},
}

// AcceptedKeys are supervisord's keys of a program that are read and mean nothing,
// sorted.
func AcceptedKeys() []string {
	return slices.DeleteFunc(sortedKeys(keys()), func(name string) bool {
		return slices.ContainsFunc(KeyDocs, func(d KeyDoc) bool { return d.Name == name })
	})
}

// AcceptedSections are the sections that are read and mean nothing.
func AcceptedSections() []string {
	var names []string
	for _, s := range sections {
		if !slices.ContainsFunc(SectionDocs, func(d Doc) bool { return d.Name == "`["+s.name+"]`" }) {
			names = append(names, "["+s.name+"]")
		}
	}
	return names
}
