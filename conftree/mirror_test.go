package conftree

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPidfile(t *testing.T) {
	tests := []struct{ rel, base, program, want string }{
		{"web.conf", "web", "web", "web.pid"},
		{"web.conf", "web", "web-worker", "web-worker.pid"},
		{"web/1.conf", "web", "web-worker", "web-worker/1.pid"},
		{"web/1/web.conf", "web", "web-worker", "web-worker/1/web.pid"},
		{"web/1.conf.d", "web", "web-worker", "web-worker/1.pid.d"},
		{"web.conf.d", "web", "web", "web.pid.d"},
		{"web1.conf", "web", "web-worker", "web-worker1.pid"},
		{"web.conf.bak/1.conf", "web", "web", "web.conf.bak/1.pid"},
		{"web/1.conf.2.conf", "web", "web", "web/1.conf.2.pid"},
		{"web/web.conf", "web", "worker", "worker/web.pid"},
		{"web/[x] y\n.conf", "web", "worker", "worker/[x] y\n.pid"},
		{"worker.conf", "worker", "worker", "worker.pid"},
	}
	for _, tt := range tests {
		s := Search{Base: tt.base}
		c := Conf{Path: filepath.Join("/etc/x", tt.rel), Rel: tt.rel, Name: s.name(tt.rel), Base: tt.base}
		got := c.Pidfile(tt.program)
		if got != tt.want {
			t.Errorf("Pidfile of %q for %q: got %q, want %q", tt.rel, tt.program, got, tt.want)
		}
		if back, ok := s.FromPidfile("/etc/x", tt.program, got); !ok || back != c {
			t.Errorf("FromPidfile of %q for %q: got %+v, %v, want %+v", got, tt.program, back, ok, c)
		}
	}
}

func TestFromPidfileRefuses(t *testing.T) {
	s := Search{Base: "web"}
	for _, name := range []string{"", "worker", "worker.pi", "worker.pid.", "worker/1.conf", "other.pid", "worker/../other.pid",
		"worker//1.pid", "./worker.pid", "/worker.pid", "worker/./1.pid", "worker/../../etc/1.pid"} {
		if c, ok := s.FromPidfile("/etc/x", "worker", name); ok {
			t.Errorf("%q: got %+v", name, c)
		}
	}
}

func FuzzFromPidfile(f *testing.F) {
	for _, name := range []string{"worker.pid", "worker/1.pid", "worker/1.pid.d", "worker1/a.pid/b.pid", "worker/.pid", "worker/../x.pid"} {
		f.Add("web", "worker", name)
	}
	f.Fuzz(func(t *testing.T, base, program, name string) {
		if base == "" || program == "" || strings.Contains(base+program, "/") || strings.HasPrefix(base, ".") || strings.Contains(name, "\x00") {
			return
		}
		c, ok := Search{Base: base}.FromPidfile("/etc/x", program, name)
		if !ok {
			return
		}
		if !strings.HasPrefix(c.Path, "/etc/x/") || filepath.Join("/etc/x", c.Rel) != c.Path {
			t.Errorf("%q: conf %q is not below the root", name, c.Path)
		}
		if back := c.Pidfile(program); back != name {
			t.Errorf("%q became %q", name, back)
		}
	})
}
