package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twins maps the tests of Swift's test/unit/common/test_manager.py to the scenarios of testdata/twins that make sure of
// the same with real processes in place of its mocks, or to "-" and why there is none. The names are those of all its
// versions; where one has a case of its own in several, all of them are in one scenario.
var twins = map[string][]string{
	"TestManagerModule.test_servers":            {"module/main and rest are all"}, // and aliases.TestBuiltin
	"TestManagerModule.test_setup_env":          {"module/the environment", "module/the environment, given", "module/limits"},
	"TestManagerModule.test_command_wrapper":    {"module/a command is 0 or 1"},
	"TestManagerModule.test_watch_server_pids":  {"module/a server dies at once", "module/a server takes longer than the wait", "module/a server takes less long than the wait", "module/one of two servers dies in time"},
	"TestManagerModule.test_safe_kill":          {"module/the pid is somebody else's"},
	"TestManagerModule.test_kill_group":         {"module/the group is killed, too"},
	"TestManagerModule.test_format_server_name": {"module/names"},
	"TestManagerModule.test_verify_server":      {"module/a command that is not installed", "module/a name that is none"},
	"TestManagerModule.test_exc":                {"-", "the class of an exception"},

	"TestServer.test_create_server":            {"module/names"},
	"TestServer.test_server_to_string":         {"server/upper case"},
	"TestServer.test_server_repr":              {"-", "a representation for Python's programmers"},
	"TestServer.test_server_equality":          {"manager/names make a set"},
	"TestServer.test_get_pid_file_name":        {"server/confs and pidfiles"}, // and conftree.TestPidfile, TestLikeSwift
	"TestServer.test_get_custom_pid_file_name": {"server/confs and pidfiles, a run directory of one's own"},
	"TestServer.test_get_conf_file_name":       {"server/confs and pidfiles", "server/confs and pidfiles of who has its own"},
	"TestServer.test_conf_files":               {"server/confs", "server/confs by number", "server/no conf", "server/confs and pidfiles of who has its own", "server/the expirer's section, or its own conf"},
	"TestServer.test_proxy_conf_dir":           {"server/a conf directory"},
	"TestServer.test_named_conf_dir":           {"server/conf directories"},
	"TestServer.test_conf_dir":                 {"server/conf directories"},
	"TestServer.test_iter_pid_files":           {"server/pidfiles that hold no pid", "server/pidfiles of others are not stolen", "server/pidfiles by number"},
	"TestServer.test_signal_pids":              {"server/signals are told, looks are not", "server/pidfiles that were left behind", "module/the pid is somebody else's"},
	"TestServer.test_get_running_pids":         {"server/pidfiles that were left behind", "server/pidfiles of others that were left behind"},
	"TestServer.test_kill_running_pids":        {"server/TERM, HUP for those that understand it"},
	"TestServer.test_kill_child_pids":          {"server/workers only"},
	"TestServer.test_status":                   {"server/status"},
	"TestServer.test_spawn":                    {"server/command lines", "server/command lines in the foreground"},
	"TestServer.test_wait":                     {"server/output of a start", "server/a start that fails", "server/a start that fails without a word"},
	"TestServer.test_interact":                 {"server/the foreground ends well and badly"},
	"TestServer.test_launch":                   {"server/no conf", "server/it runs already", "server/it runs already, with a conf that is gone", "server/once is nothing for who cannot", "server/once with several confs", "module/a command that is not installed"},
	"TestServer.test_stop":                     {"server/stop"},

	"TestManager.test_create":                  {"manager/names make a set", "module/main and rest are all"},
	"TestManager.test_iter":                    {"module/main and rest are all"},
	"TestManager.test_default_strict":          {"manager/strict if every server is named itself"},
	"TestManager.test_status":                  {"manager/status of several"},
	"TestManager.test_start":                   {"manager/start of several", "manager/strict if every server is named itself", "manager/the foreground, interrupted"},
	"TestManager.test_no_wait":                 {"manager/no-wait", "manager/no-wait of what fails"},
	"TestManager.test_no_daemon":               {"server/the foreground ends well and badly"},
	"TestManager.test_once":                    {"manager/once", "manager/once, failed"},
	"TestManager.test_stop":                    {"manager/stop of what does not run", "manager/kill of what does not run", "manager/stop of what does not want to"},
	"TestManager.test_stop_kill_after_timeout": {"manager/stop of what does not want to", "module/the group is killed, too"},
	"TestManager.test_shutdown":                {"manager/shutdown"},
	"TestManager.test_restart":                 {"manager/restart", "manager/restart of what does not run"},
	"TestManager.test_reload":                  {"manager/reload", "manager/reload of every server"},
	"TestManager.test_reload_seamless":         {"manager/reload-seamless", "manager/reload-seamless of what does not run"},
	"TestManager.test_kill_child_pids":         {"server/workers only"},
	"TestManager.test_force_reload":            {"manager/force-reload"},
	"TestManager.test_get_command":             {"manager/commands by name"},
	"TestManager.test_list_commands":           {"-", "TestSplit has every command, and what help shows of it"},
	"TestManager.test_run_command":             {"-", "how a method gets its arguments"},
}

// TestTwins runs the scenarios of testdata/twins. They are written as those of testdata/parity are, but stand alone: what
// mgr does is always declared, by "differs twin", and Swift is not asked.
func TestTwins(t *testing.T) {
	programs := buildPrograms(t)
	for _, s := range readTwins(t) {
		t.Run(s.topic+"/"+s.name, func(t *testing.T) {
			t.Parallel()
			o := perform(s, side{name: "mgr", argv: []string{programs.mgr}, link: programs.mgr}, programs.fakeserver)
			if o.err != nil {
				t.Fatal(o.err)
			}
			for _, seen := range o.seen {
				declared := seen.step.want
				if declared == nil {
					continue
				}
				want := observation{step: seen.step, exit: declared.exit, lines: declared.lines}
				if diff := cmp.Diff(want.text(), seen.text()); diff != "" {
					t.Errorf("%s (-want +got):\n%s\nstderr: %s", seen.step, diff, seen.stderr)
				}
			}
		})
	}
}

// TestTwinsTable: the table names no scenario that there is not, and leaves none out.
func TestTwinsTable(t *testing.T) {
	left := map[string]bool{}
	for _, s := range readTwins(t) {
		left[s.topic+"/"+s.name] = true
	}
	for name, scenarios := range twins {
		if scenarios[0] == "-" {
			continue
		}
		for _, scenario := range scenarios {
			if _, ok := left[scenario]; !ok {
				t.Errorf("%s: there is no scenario %q", name, scenario)
			}
			left[scenario] = false
		}
	}
	for scenario, orphan := range left {
		if orphan {
			t.Errorf("scenario %q is nobody's twin", scenario)
		}
	}
}

func readTwins(t *testing.T) (all []scenario) {
	t.Helper()
	files, err := filepath.Glob("testdata/twins/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		some, err := parseScenarios(strings.TrimSuffix(filepath.Base(file), ".txtar"), string(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, some...)
	}
	return all
}

// TestGrove takes a family that is not Swift's through its life: testdata/profiles/grove.ini.
func TestGrove(t *testing.T) {
	programs := buildPrograms(t)
	tr, err := newTree(side{name: "mgr", argv: []string{programs.mgr, "--profile", "testdata/profiles/grove.ini"}}, programs.fakeserver)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.destroy(); err != nil {
			t.Error(err)
		}
	})
	if tr.argv[2], err = filepath.Abs(tr.argv[2]); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "edge", "worker", "cron", "beacon", "relay"} {
		if err := os.Symlink(programs.fakeserver, tr.path("bin/grove-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, conf := range []string{"web/1.conf", "web/2.conf [edge]", "worker/a.conf record_env=GROVE_ROLE,GROVE_CONF,GROVE_HOME", "cron.conf", "relay-north.conf"} {
		if err := tr.writeConf(conf); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range groveSteps {
		seen := observation{}
		seen.step.rest = step.args
		if err := tr.run(&seen); err != nil {
			t.Fatal(err)
		}
		want := observation{exit: step.exit, lines: step.lines}
		if diff := cmp.Diff(want.text(), seen.text()); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nstderr: %s", step.args, diff, seen.stderr)
		}
	}
	logs := map[string][]string{}
	for _, l := range []serverLog{tr.readLog("grove-web", "web/1.conf"), tr.readLog("grove-worker", "worker/a.conf"), tr.readLog("grove-cron", "cron.conf")} {
		for _, event := range l.events {
			if !strings.HasPrefix(event, "start ") {
				logs[l.program] = append(logs[l.program], event)
			}
		}
	}
	if diff := cmp.Diff(groveLogs, logs); diff != "" {
		t.Errorf("what the servers saw (-want +got):\n%s", diff)
	}
	if left := tr.pidfiles(nil); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
