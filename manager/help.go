package manager

// The long help of each command: what it does, what it prints, what it returns.
// Lines fit 80 columns.
const (
	statusHelp = `Prints one line for every instance: every conf of the programs named, and
every pidfile whose conf is gone. It only reads.

  object-server running (4503 - /etc/swift/object-server/1.conf)
  object-server dead (4507 - /etc/swift/object-server/2.conf), pidfile left

Exit status (LSB): 0 all run; 1 some are dead with a pidfile left; 3 some are
not running; 4 it cannot be told.`

	startHelp = `Starts every instance that does not run and waits until each is ready, as the
profile defines it. What runs already is left alone, and is no error.

Exit status: 0 all run; 1 some died, are not ready in time, or were not started.`

	noWaitHelp = `The same as start --no-wait: returns as soon as the servers are executed. Their
output goes to /dev/null.`

	noDaemonHelp = `The same as start --no-daemon: the servers' output goes to the terminal, and
mgr stays until all have ended. Ctrl-C, or SIGTERM, stops them.`

	onceHelp = `The same as start --once: runs one pass of the programs that have such a thing
(once_args in the profile), waits for its end and fails if it fails. The others
are started as usual.`

	stopHelp = `Sends every server its stop signal, or with --graceful the graceful one, waits
for all at once, and removes their pidfiles. With --kill-after-timeout what has
not ended after the kill wait is killed, together with its workers.

No process is signalled that was not identified as the server. Exit status: 0
nothing runs any more; 1 something still runs, or it cannot be told.`

	shutdownHelp = `The same as stop --graceful: servers finish the requests under way.`

	killHelp = `The same as stop. In swift-init mode stop fails if nothing ran, kill does not.`

	restartHelp = `Stops, then starts. What could not be stopped is not started, and said to be.`

	reloadHelp = `Stops gracefully, then starts, one program after the other.`

	seamlessHelp = `Sends every server the signal at which it re-executes itself and keeps its
listening socket (seamlesssignal in the profile), and waits until each is ready
again, for readywaitsecs at the most: until it notifies, or until its process
shows a new program image with as many workers as before. Programs without such
a signal are left alone, with a note. With --no-wait it only signals.

Exit status: 0 all are ready again; 1 one did not run, died, or is not ready.`

	childrenHelp = `Sends the stop signal, or with --graceful the graceful one, to the child
processes of every server. The server starts new ones.`

	listHelp = `Prints what the names resolve to: server, conf, pidfile and command. Paths are
relative to the conf directory and the run directory.`

	checkHelp = `Checks the profile, the confs, the commands, the users and the directories, and
says what is wrong. It starts and signals nothing. Exit status: 0 all is in
order; 1 it is not.`

	profileHelp = `Prints the built-in profile, to start one's own from.`
)
