package server

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func fullStage() stage {
	nice := -5
	return stage{
		Path: "/bin/a b\xff", Pidfile: "web/1.pid", Dir: "/run\n", Umask: 0o22, Chdir: "/", Nice: &nice,
		Limits: []stageLimit{{"limit_nofile", 7, math.MaxUint64, true, false}, {"", 0, 0, false, true}},
		Logs:   []stageLog{{FD: 1, Path: "/log"}, {FD: 2, Null: true}, {FD: 2, Same: true}},
		Creds:  &credentials{UID: 1000, GID: -1, Groups: []int{4, 24}},
		Procs:  "GOMAXPROCS=3",
	}
}

func TestPack(t *testing.T) {
	for about, s := range map[string]stage{"full": fullStage(), "empty": {}, "no groups": {Creds: &credentials{}}} {
		var got stage
		if err := got.unpack(s.pack()); err != nil {
			t.Errorf("%s: %v", about, err)
		}
		if diff := cmp.Diff(s, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", about, diff)
		}
	}
}

// FuzzUnpack: the stage is in the environment, where anybody may put anything.
func FuzzUnpack(f *testing.F) {
	full := fullStage()
	for _, seed := range []string{"", "1", "0 0 0 0 0 0 0 99999999 ", "-1 ", "5 abc", full.pack(), full.pack() + "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, again stage
		if s.unpack(text) != nil {
			return
		}
		if err := again.unpack(s.pack()); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(s, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	})
}
