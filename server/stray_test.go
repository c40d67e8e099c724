package server

import (
	"testing"

	"mgr/pidfile"
)

// TestStray: a pidfile leads to a process alone unless another one does, too, as of now.
func TestStray(t *testing.T) {
	g := newGrove(t, "[program:grove]\ncommand = grove --port %(process_num)d\nnumprocs = 2\nprocess_name = %(process_num)d\n")
	g.write("run/grove/0.pid", "812\n", 0o644)
	other := g.write("run/grove/1.pid", "812\n", 0o644)
	i := g.servers(0, "grove")[0].Instances[0]
	f := pidfile.Finding{State: pidfile.Foreign, Record: pidfile.Record{PID: 812}, Err: &pidfile.ForeignError{PID: 812, Same: true}}
	if i.Stray(f) {
		t.Errorf("%s names it, too", other)
	}
	g.write("run/grove/1.pid", "813\n", 0o644)
	if !i.Stray(f) {
		t.Errorf("%s names another one by now", other)
	}
}
