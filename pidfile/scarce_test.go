package pidfile

import "testing"

// TestExitingScarce: who cannot be looked at for want of descriptors does not pass for
// one on its way out.
func TestExitingScarce(t *testing.T) {
	d := start(t, "good", serverArgv)
	p := handle(t, d.pid())
	lessRoom(t, 0, func() {
		if p.Exiting() || Ending(d.pid()) {
			t.Errorf("exiting %v, ending %v", p.Exiting(), Ending(d.pid()))
		}
	})
	d.kill()
	lessRoom(t, 0, func() {
		if !p.Exiting() {
			t.Error("it has ended, and is not exiting")
		}
	})
}
