package server

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// forker goes into the background: what was launched ends once the process that
// it made has written the pidfile.
const forker = `#!/usr/bin/perl
pipe my $in, my $out;
if (fork) {
	close $out;
	readline $in;
	exit 0;
}
close $in;
open my $f, ">", "$ENV{RUN}/well.pid";
print $f "$$\n";
close $f;
close $out;
sleep 60;
`

// TestFollows lets everything happen before anything is looked at: the pidfile
// is written, and the process that was launched has ended. The end is that
// process's own, not that of the one that took its place.
func TestFollows(t *testing.T) {
	g := newGrove(t, `
[program:well]
command = well
forking = true
startsecs = 0
`)
	g.write("bin/well", forker, 0o755)
	g.Profile.Programs[0].Pidfile = g.root + "/well.pid"
	g.Env = append(g.Env, "RUN="+g.root)
	ls, c := g.begin(Mode{}, "well")
	launched := c.Process.PID()
	c.Process.Await(time.Now().Add(patience))
	if !c.Process.Exited() {
		t.Fatal("what was launched does not end")
	}
	left, err := ls.Until(ready, never, func(*Child) {})
	if err != nil || len(left) > 0 || c.Exited || !c.Followed || c.Process.PID() == launched || c.Process.Exited() {
		t.Errorf("%v, left %d, exited %t (%s), followed %t: want the other process, which runs", err, len(left), c.Exited, c.Died(), c.Followed)
	}
}

// TestBecomes: a process that writes the pidfile before it becomes the server is
// followed once it has: start-stop-daemon(8) does it in that order.
func TestBecomes(t *testing.T) {
	g := newGrove(t, `
[program:well]
command = well
forking = true
startsecs = 0
match = sleep 1000*
`)
	g.write("bin/well", "#!/bin/sh\n\"$RUN/bin/late\" &\n", 0o755)
	g.write("bin/late", "#!/bin/sh\necho $$ >\"$RUN/well.pid\"\nread line <\"$RUN/go\"\nexec sleep 1000\n", 0o755)
	if err := unix.Mkfifo(g.root+"/go", 0o600); err != nil {
		t.Fatal(err)
	}
	g.Profile.Programs[0].Pidfile = g.root + "/well.pid"
	g.Env = append(g.Env, "RUN="+g.root)
	looked := false
	c := g.launch(Mode{}, "well", func(c *Child) bool {
		if c.writes > 0 && c.detached && !looked { // it was looked at, and is no server yet
			looked = true
			if err := os.WriteFile(g.root+"/go", []byte("on\n"), 0); err != nil {
				t.Fatal(err)
			}
		}
		return ready(c)
	})
	if !looked || c.Exited || !c.Followed {
		t.Errorf("looked at before %t, exited %t (%s), followed %t", looked, c.Exited, c.Died(), c.Followed)
	}
}
