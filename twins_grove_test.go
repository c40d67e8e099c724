package main

// groveSteps are what TestGrove does, and groveLogs what some of the servers saw of it.
var groveSteps = []struct {
	args, exit string
	lines      []string
}{
	{"all start", "0", []string{
		"Starting grove-web...(ROOT/conf/web/1.conf)",
		"Starting grove-web...(ROOT/conf/web/2.conf)",
		"Starting grove-edge...(ROOT/conf/web/2.conf)",
		"Starting grove-worker...(ROOT/conf/worker/a.conf)",
		"Starting grove-cron...(ROOT/conf/cron.conf)",
		"Starting beacon...(ROOT/run/beacon/beacon.pid)",
		"Starting relay.north...(ROOT/conf/relay-north.conf)"}},
	{"front.2 status", "0", []string{
		"grove-web running (PID - ROOT/conf/web/2.conf)",
		"grove-edge running (PID - ROOT/conf/web/2.conf)"}},
	{"back beacon status", "0", []string{
		"grove-worker running (PID - ROOT/conf/worker/a.conf)",
		"beacon running (PID - ROOT/run/beacon/beacon.pid)",
		"relay.north running (PID - ROOT/conf/relay-north.conf)"}},
	{"relay.* status", "0", []string{"relay.north running (PID - ROOT/conf/relay-north.conf)"}},
	{"beacon.1 status", "2", nil},
	{"grove-web.1 reload", "0", []string{
		"Signal grove-web  pid: PID  signal: 3",
		"grove-web (PID) appears to have stopped",
		"Starting grove-web...(ROOT/conf/web/1.conf)"}},
	{"grove-web.1 reload-seamless", "0", []string{"Signal grove-web  pid: PID  signal: 10"}},
	{"grove-worker grove-cron stop", "0", []string{
		"Signal grove-worker  pid: PID  signal: 2",
		"Signal grove-cron  pid: PID  signal: 1",
		"grove-worker (PID) appears to have stopped",
		"grove-cron (PID) appears to have stopped"}},
	{"grove-cron once", "0", []string{"Running grove-cron once...(ROOT/conf/cron.conf)"}},
	{"all stop -x back -x beacon", "0", []string{
		"No grove-cron running",
		"Signal grove-web  pid: PID  signal: 15",
		"Signal grove-web  pid: PID  signal: 15",
		"Signal grove-edge  pid: PID  signal: 15",
		"grove-web (PID) appears to have stopped",
		"grove-web (PID) appears to have stopped",
		"grove-edge (PID) appears to have stopped"}},
	{"all stop", "0", []string{
		"No grove-web running",
		"No grove-edge running",
		"No grove-worker running",
		"No grove-cron running",
		"Signal beacon  pid: PID  signal: 15",
		"Signal relay.north  pid: PID  signal: 15",
		"beacon (PID) appears to have stopped",
		"relay.north (PID) appears to have stopped"}},
}

var groveLogs = map[string][]string{
	"grove-web":    {"signal QUIT", "exit 0", "signal USR1", "reexec", "signal TERM", "exit 0"},
	"grove-worker": {"env GROVE_ROLE=worker, heavy", "env GROVE_CONF=a", "env GROVE_HOME=/var/lib/grove", "signal INT", "exit 0"},
	"grove-cron":   {"signal HUP", "exit 0", "once", "exit 0"},
}
