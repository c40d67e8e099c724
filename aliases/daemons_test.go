package aliases

import (
	"path/filepath"
	"testing"
)

// TestDaemons reads the profiles of nginx, redis, postgres and memcached, those
// for Debian's paths and the one of scripts/e2e-daemons: there is nothing to be
// said against them.
func TestDaemons(t *testing.T) {
	env := func(name string) (string, bool) {
		if name == "DAEMONS" {
			return "/srv/daemons", true
		}
		return "", false
	}
	for file, programs := range map[string]int{
		"daemons.ini": 6, "nginx.ini": 1, "redis.ini": 2, "postgresql.ini": 1, "memcached.ini": 2,
	} {
		path := filepath.Join("../testdata/profiles", file)
		p, err := Load(Source{Path: path, Env: env})
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if len(p.Notes) > 0 {
			t.Errorf("%v: accepted, but means nothing", p.Notes)
		}
		if len(p.Programs) != programs {
			t.Errorf("%s: %d programs, want %d", file, len(p.Programs), programs)
		}
	}
}
