package manager

// The long help of each command: what it does, what it prints, what it returns.
// Lines fit 80 columns.
const (
	statusHelp = `Prints one line for every instance: for every conf of the programs named, and
for every pidfile whose conf is gone, or whose number is too high since numprocs
was lowered. It only reads. On a terminal it prints a table, the worst first, no
longer than the screen: --all shows the rest, -v what each instance uses.

  object-server running (4503 - /etc/swift/object-server/1.conf)
  object-server dead (4507 - /etc/swift/object-server/2.conf), pidfile left

Exit status (LSB): 0 all run; 1 some are dead with a pidfile left; 3 some are
not running; 4 cannot tell.`

	startHelp = `Starts every instance that does not run and waits until each is ready, as the
profile defines it. What already runs is left alone and is no error. Programs of
a lower priority start first. If one dies, mgr tries again, startretries times.

Exit status: 0 all run; 1 some died, were not ready in time, or were not
started.`

	noWaitHelp = `The same as start --no-wait: returns as soon as the servers are executed. Their
output goes to the log files of the profile, or to temporary ones.`

	noDaemonHelp = `The same as start --no-daemon: the servers' output goes to the terminal, and
mgr stays until all have ended. Ctrl-C or SIGTERM stops them.`

	onceHelp = `The same as start --once: runs one pass of the programs that can (once_args in
the profile), waits for its end, and fails if the pass fails. The others are
started as usual.`

	stopHelp = `Sends every server its stop signal, or with --graceful the graceful one, waits
for all at once, and removes their pidfiles. Programs of a higher priority stop
first. A stopsignal like QUIT/30/TERM/10/KILL/5 is a schedule. With
--kill-after-timeout mgr then kills what has not ended, with its workers.

mgr signals no process that it has not identified as the server. With -v it
warns of a second copy that no pidfile names.

Exit status: 0 nothing runs any more; 1 something still runs, or mgr cannot
tell.`

	shutdownHelp = `The same as stop --graceful: servers finish the requests in progress.`

	killHelp = `The same as stop. In swift-init mode stop fails if nothing ran, kill does not.`

	restartHelp = `Makes sure that the servers can be started and runs their checkcommands. Then
stops, then starts. What it could not stop it does not start, and says so. With
--stale it restarts only what runs with an older conf or command than the one on
disk.

Exit status: 0 all run; 1 some do not, a checkcommand failed (no server was
touched), or something blocks a pidfile (its server was not touched); 2 the
profile makes a start impossible (nothing was touched).`

	reloadHelp = `Checks the confs first, as restart does. Then, program by program, sends the
reload signal if the profile has one (reloadsignal), or else stops gracefully
and starts. Starts what does not run. With --stale it does not: it reloads only
what runs with an older conf or command than the one on disk.`

	seamlessHelp = `Sends every server the signal that makes it re-execute itself and keep its
listening socket (seamlesssignal in the profile). Waits until each is ready
again, readywaitsecs at the most: until it says so (seamlessnotify, or
ready = notify), until its process shows a new program image and workers again,
or until its pidfile names a successor. With --no-wait it only signals.

All checkcommands run first: if one fails, no server is signalled. Programs
without such a signal are left alone, with a note.

Exit status: 0 all are ready again; 1 one did not run, died, or is not ready.`

	childrenHelp = `Sends the stop signal, or with --graceful the graceful one, to the child
processes of every server. The server starts new ones.`

	listHelp = `Prints what the names resolve to: server, conf, pidfile and command. Paths are
relative to the conf directory and the run directory. With --json it prints all
that the profile says of each, variables expanded.`

	checkHelp = `Checks the profile, confs, commands, users, directories and log files, runs each
checkcommand, and reports what is wrong, with the place in the profile. With -v
it also lists the keys that mean nothing to mgr. It starts and signals no
server.

Exit status: 0 all is in order; 1 it is not; 2 the profile is invalid.`

	logsHelp = `Prints the last lines, 50 or as many as -n says, of every log of the servers:
the log files that the profile names, those that mgr keeps where it names none,
and the files that the running process has as stdout and stderr. With several
logs, each line begins with its server (-q omits it), and lines are sorted by
their leading timestamps, if any.

  mgr logs -n 100 object.1
  mgr -f main logs

With -f it follows the logs until it is interrupted, even if they are renamed,
truncated, removed or made anew. It cuts lines after 8 KiB and escapes control
characters. It only reads.

Exit status: 0; 1 some server has no log, or it cannot be read.`

	statsHelp = `Prints what every server and its workers use. For programs with several running
instances it adds the sum, the minimum and the maximum:

  CPU%     share of one processor; since the start of the server, as in ps(1);
           with --watch, from the second time on, since the time before
  RSS      resident memory; shared pages count once for each process. -v adds
           PSS, which divides them among the processes
  WORKERS  processes that belong to the server
  THREADS  of the server and its workers
  FDS      with -v: open descriptors and their limit, of the one process that is
           nearest to its limit

With --watch SECONDS it repeats until it is interrupted: in one place on a
terminal, otherwise in blocks that begin with the time. It only reads.

Exit status: 0, even if some do not run (see status); 1 it cannot tell of some
server.`
	whyHelp = `Explains why a server does not run. The first line names the cause:

  object-server (/etc/swift/object-server/1.conf) does not run: port 6010 is
  held by pid 812 "nginx" of root

Then comes every check, one per line, with its verdict: ok, warning, FAILED,
unknown (you may not see it) or skipped; then what to type next. It only reads,
but runs the profile's checkcommand (not with --dry-run). Where only root can
see, it says so.

Exit status: 0 it runs, and nothing is wrong; 1 something is.`

	adoptHelp = `Writes the pidfile of a server that runs without one: somebody started it by
hand, its pidfile was lost, or its start was interrupted. mgr looks for a
process that shows the server's command line or its match, is no worker of
another server, is named by no other pidfile, and belongs to root, the caller,
the profile's user or drops_to, or the owner of the run directory. With
--dry-run it says which.

Exit status: 0 each has a pidfile now, or had one; 1 some have no such process,
or several: nothing was written for those.`

	profileHelp = `Prints the built-in profile, as a start for your own.`

	completionHelp = `Prints the script that makes a shell complete commands, options, servers and
confs:

  source <(mgr completion bash)           in ~/.bashrc
  source <(mgr completion zsh)            in ~/.zshrc, after compinit
  mgr completion fish | source            in ~/.config/fish/config.fish

` + "`make install`" + ` puts it where each shell finds it.`

	manualHelp = `Prints mgr(1), or mgr.conf(5) on profiles, in mdoc(7):

  mgr manual mgr | man -l -`
)
