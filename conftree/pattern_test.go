package conftree

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPatterns(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a[b]*c") // not a part of the pattern
	for _, name := range []string{"php/fpm-8.1.conf", "php/fpm-8.2.conf", "php/fpm-.conf", "php/other.conf", "php/.hidden.conf", "php/8.2/fpm/pool.conf",
		"php/8.3/fpm/pool.conf", "php/8.3/fpm/pool.conf.bak", "nginx/nginx.conf", "nginx/sites.conf.d/x", "nginx/dir.conf/x", "top.conf"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("[main]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		search Search
		want   [][3]string // path below root, name, pidfile
		orphan string      // the pidfile of a conf that is gone leads back to
	}{
		{Search{Base: "php/fpm-*.conf"}, [][3]string{{"php/fpm-8.1.conf", "8.1", "p/8.1.pid"},
			{"php/fpm-8.2.conf", "8.2", "p/8.2.pid"}}, "php/fpm-gone.conf"},
		{Search{Base: "php/*/fpm/pool.conf"}, [][3]string{{"php/8.2/fpm/pool.conf", "8.2", "p/8.2.pid"},
			{"php/8.3/fpm/pool.conf", "8.3", "p/8.3.pid"}}, "php/gone/fpm/pool.conf"},
		{Search{Base: "*/fpm-8.?.conf"}, [][3]string{{"php/fpm-8.1.conf", "php-fpm-8.1", "p/php-fpm-8.1.pid"},
			{"php/fpm-8.2.conf", "php-fpm-8.2", "p/php-fpm-8.2.pid"}}, ""},
		{Search{Base: "nginx/nginx.conf"}, [][3]string{{"nginx/nginx.conf", "nginx", "p/nginx.pid"}}, ""},
		{Search{Base: "nginx/*.conf*"}, [][3]string{{"nginx/nginx.conf", "nginx.conf", "p/nginx.conf.pid"},
			{"nginx/sites.conf.d", "sites.conf.d", "p/sites.conf.d.pid"}}, ""},
		{Search{Base: "top*.conf"}, nil, "topgone.conf"}, // what nobody could call by a name
		{Search{Base: "php/fpm-8.?.conf"}, [][3]string{{"php/fpm-8.1.conf", "1", "p/1.pid"}, {"php/fpm-8.2.conf", "2", "p/2.pid"}}, ""},
		{Search{Base: "php/.h*.conf"}, [][3]string{{"php/.hidden.conf", "idden", "p/idden.pid"}}, "php/.hgone.conf"},
		{Search{Base: "php/fpm-*.conf", Section: "none"}, nil, "php/fpm-gone.conf"},
		{Search{Base: "none/*.conf"}, nil, "none/gone.conf"},
	}
	for _, tt := range tests {
		found, err := Find(root, tt.search)
		if err != nil {
			t.Fatal(err)
		}
		var got [][3]string
		for _, c := range found {
			got = append(got, [3]string{c.Rel, c.Name, c.Pidfile("p")})
			if c.Path != filepath.Join(root, c.Rel) {
				t.Errorf("path %q", c.Path)
			}
			if back, ok := tt.search.FromPidfile(root, "p", c.Pidfile("p")); back != c && (ok || tt.orphan != "") {
				t.Errorf("%+v: the way back leads to %+v, %v", c, back, ok)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.search, diff)
		}
		back, _ := tt.search.FromPidfile(root, "p", "p/gone.pid")
		if back.Rel != tt.orphan {
			t.Errorf("%+v: the conf of gone.pid: got %q, want %q", tt.search, back.Rel, tt.orphan)
		}
	}
	absolute := Search{Base: filepath.ToSlash(t.TempDir()) + "/x-*.conf"}
	if c, ok := absolute.FromPidfile(root, "p", "p/1.pid"); !ok || c.Path != filepath.Dir(absolute.Base)+"/x-1.conf" {
		t.Errorf("absolute: %+v, %v", c, ok)
	}
}

// TestHiddenNames: a wildcard finds nothing hidden, so no pidfile leads there, nor
// to the directory itself.
func TestHiddenNames(t *testing.T) {
	for _, base := range []string{"*", "web/*.conf", "*/a.conf"} {
		for _, name := range []string{"p/..pid", "p/...pid", "p/.x.pid"} {
			if c, ok := (Search{Base: base}).FromPidfile("/etc/x", "p", name); ok {
				t.Errorf("%s, %q: got %+v", base, name, c)
			}
		}
	}
}
