package server

import (
	"os"
	"strings"
	"testing"
)

// TestOwnPidfile: the directory of a pidfile that the server writes itself is
// the server's to write to, or else nothing is started.
func TestOwnPidfile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	g := newGrove(t, "[program:well]\ncommand = well\nstartsecs = 0\nuser = nobody\nforking = true\n")
	g.openToAll()
	g.write("bin/well", forker, 0o755)
	g.Profile.Programs[0].Pidfile = g.root + "/own/well.pid"
	g.Env = append(g.Env, "RUN="+g.root+"/own")

	i := g.servers(0, "well")[0].Instances[0]
	if errs := i.Preflight(); len(errs) > 0 {
		t.Errorf("a directory that is yet to be made: %v", errs)
	}
	if c := g.launch(Mode{}, "well", ready); !c.Followed {
		t.Errorf("%s %s: want a server that has written its pidfile", c.Died(), c.Failure)
	}

	if err := os.Chown(g.root+"/own", 0, 0); err != nil {
		t.Fatal(err)
	}
	errs := i.Preflight()
	if len(errs) != 1 || !strings.Contains(errs.Error(), "pidfile: uid 65534 cannot write") {
		t.Errorf("a directory of root's: %v", errs)
	}
}
