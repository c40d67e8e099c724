package manager

// The long help of each command: what it does, what it prints, what it returns.
// Lines fit 80 columns.
const (
	statusHelp = `Prints one line for every instance: every conf of the programs named, and
every pidfile whose conf is gone, or whose number is since numprocs was lowered.
It only reads. On a terminal it is a table, the worst first, as long as the
screen: --all shows the rest, -v what each takes.

  object-server running (4503 - /etc/swift/object-server/1.conf)
  object-server dead (4507 - /etc/swift/object-server/2.conf), pidfile left

Exit status (LSB): 0 all run; 1 some are dead with a pidfile left; 3 some are
not running; 4 it cannot be told.`

	startHelp = `Starts every instance that does not run and waits until each is ready, as the
profile defines it. What runs already is left alone, and is no error. Programs
of a lower priority come first; what dies is tried again, startretries times.

Exit status: 0 all run; 1 some died, are not ready in time, or were not started.`

	noWaitHelp = `The same as start --no-wait: returns as soon as the servers are executed. Their
output goes where the log files of the profile say, or into temporary ones.`

	noDaemonHelp = `The same as start --no-daemon: the servers' output goes to the terminal, and
mgr stays until all have ended. Ctrl-C, or SIGTERM, stops them.`

	onceHelp = `The same as start --once: runs one pass of the programs that have such a thing
(once_args in the profile), waits for its end and fails if it fails. The others
are started as usual.`

	stopHelp = `Sends every server its stop signal, or with --graceful the graceful one, waits
for all at once, and removes their pidfiles. Programs of a higher priority come
first. A stopsignal like QUIT/30/TERM/10/KILL/5 is a schedule. With
--kill-after-timeout what has not ended then is killed, with its workers.

No process is signalled that was not identified as the server. With -v a second
copy of it that no pidfile names is warned of. Exit status: 0 nothing runs any
more; 1 something still runs, or it cannot be told.`

	shutdownHelp = `The same as stop --graceful: servers finish the requests under way.`

	killHelp = `The same as stop. In swift-init mode stop fails if nothing ran, kill does not.`

	restartHelp = `Makes sure that the servers can be started, and that their checkcommands are
content; then stops, then starts. What could not be stopped is not started, and
said to be. With --stale it is about those only that run with an older conf or
command than the one on disk.

Exit status: 0 all run; 1 some do not, or a checkcommand failed, or something is
in the way of a pidfile: nothing was touched; 2 a start is not possible by the
profile: nothing was touched.`

	reloadHelp = `Makes sure, as restart does, that the confs are good. Then, program after
program: sends the reload signal, where the profile has one (reloadsignal), or
else stops gracefully and starts. What does not run is started, but not with
--stale: that leaves alone what does not run with an older conf or command than
the one on disk.`

	seamlessHelp = `Sends every server the signal at which it re-executes itself and keeps its
listening socket (seamlesssignal in the profile), and waits until each is ready
again, for readywaitsecs at the most: until it says so (seamlessnotify, or ready
= notify), or until its process shows a new program image and workers again, or
its pidfile names a successor.
The checkcommands of all are run first: if one fails, nobody is signalled.
Programs without such a signal are left alone, with a note. With --no-wait it
only signals.

Exit status: 0 all are ready again; 1 one did not run, died, or is not ready.`

	childrenHelp = `Sends the stop signal, or with --graceful the graceful one, to the child
processes of every server. The server starts new ones.`

	listHelp = `Prints what the names resolve to: server, conf, pidfile and command. Paths are
relative to the conf directory and the run directory. With --json it prints all
that the profile says of each, its variables filled in.`

	checkHelp = `Checks the profile, the confs, the commands, the users, the directories and the
log files, runs each checkcommand, and says what is wrong, with the place in the
profile. With -v it also lists the keys that mean nothing to mgr. It starts and
signals no server. Exit status: 0 all is in order; 1 it is not; 2 the profile
cannot be understood.`

	logsHelp = `Prints the last lines, 50 or as many as -n says, of every log of the servers:
the log files that the profile names, those that mgr keeps where it names none,
and whatever files the running process writes its stdout and stderr to. Of
several logs each line begins with its server, -q leaves that out, and they are
put in order by the times that they begin with, where they do.

  mgr logs -n 100 object.1
  mgr -f main logs

With -f it goes on with what is written from now on, until it is interrupted:
to files that are renamed, truncated, removed or made anew, too. Lines are cut
after 8 KiB, and control characters are escaped. It only reads.

Exit status: 0; 1 of some server there is no log, or it cannot be read.`

	statsHelp = `Prints what every server and its workers take of the machine, and, of programs
of which several run, the sum, the least and the most:

  CPU%     processor time, of one processor; since the start of the server, as
           ps(1) has it, and with --watch, from the second time on, since the
           time before
  RSS      resident memory; pages that processes share count for each. With -v
           there is PSS as well, which shares them out
  WORKERS  processes that belong to the server
  THREADS  of the server and its workers
  FDS      with -v: open descriptors and their limit, of the one process that is
           nearest to it

With --watch SECONDS it does so again and again, until it is interrupted: in
one place on a terminal, and else in blocks that begin with the time. It only
reads. Exit status: 0; 1 of some server it cannot be told. Whether all run is
for status to say.`
	whyHelp = `Tells what keeps a server from running. The first line names the cause:

  object-server (/etc/swift/object-server/1.conf) does not run: port 6010 is
  held by pid 812 "nginx" of root

Then comes all that was looked at, a line each, with its verdict: ok, warning,
FAILED, unknown (you may not see it) or skipped; then what to type next. It only
reads, and runs the checkcommand of the profile (not with --dry-run). What only
root can see it says.

Exit status: 0 it runs, and nothing is wrong; 1 something is.`

	adoptHelp = `Writes the pidfile of a server that runs without one: that somebody started by
hand, that lost its pidfile, or whose start was interrupted. It looks for the
process that shows the server's command line, or its match, that is no worker of
another one, that no other pidfile names, and that belongs to root, the caller,
the profile's user or who owns the run directory. With --dry-run it tells which.

Exit status: 0 each has a pidfile now, or had one; 1 of some there is no such
process, or there are several: nothing was written for those.`

	profileHelp = `Prints the built-in profile, to start one's own from.`

	completionHelp = `Prints what makes a shell complete commands, options, servers and confs:

  source <(mgr completion bash)           in ~/.bashrc
  source <(mgr completion zsh)            in ~/.zshrc, behind compinit
  mgr completion fish | source            in ~/.config/fish/config.fish

` + "`make install`" + ` puts it where each of them finds it by itself.`

	manualHelp = `Prints mgr(1), or mgr.conf(5) about profiles, in mdoc(7):

  mgr manual mgr | man -l -`
)
