package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
)

// Untracked are processes that look like the server of an instance and that no
// pidfile names.
type Untracked struct {
	PIDs []int
	// Shared are those that are as well servers of other instances which do not
	// run: nobody can tell whose they are.
	Shared []int
	// Alike says that nothing but the command and its arguments tells that they
	// are this server: neither a conf nor a pidfile is among them, the profile has
	// no match, and their environment does not tell. Somebody else may run the same.
	Alike bool
}

// Untracked gives the servers of instances that no pidfile of the fleet names, and
// that belong to somebody who may run them. It has nothing for instances of which
// there are none. The instances are those that were seen not to run; a caller
// without their locks has to look at their pidfiles again, since a server may be
// being started.
//
// All processes are looked through once, at the first call, but those that running
// has: the servers that were seen to run.
func (f *Fleet) Untracked(instances []*Instance, running map[int]bool) (map[*Instance]Untracked, error) {
	if f.census == nil {
		var err error
		if f.census, err = f.Reader.TakeCensus(running, f.trusted(f.Profile.Programs)); err != nil {
			return nil, err
		}
	}
	ids := make([]pidfile.Identity, len(instances)) // an empty one describes nothing
	for n, i := range instances {
		if id, err := i.identity(); err == nil {
			ids[n] = id
		}
	}
	found, err := f.census.Servers(ids)
	if err != nil {
		return nil, err
	}
	out := map[*Instance]Untracked{}
	var r *rivals
	for n, sightings := range found {
		if len(sightings) == 0 {
			continue
		}
		if r == nil { // it takes all instances, so only now
			r = f.rivals()
		}
		if u := r.judge(instances[n], ids[n], sightings); len(u.PIDs)+len(u.Shared) > 0 {
			out[instances[n]] = u
		}
	}
	return out, nil
}

// Serves says whether the process pid, which Untracked gave, still is a server of i.
func (i *Instance) Serves(pid int) bool {
	id, err := i.identity()
	if err != nil {
		return false
	}
	p, err := pidfile.Open(pid)
	if err != nil {
		return false
	}
	defer p.Close()
	return p.Serves(&i.fleet.Reader, id)
}

// Outdated says that others had time to start servers: Untracked looks through
// all processes again.
func (f *Fleet) Outdated() { f.census = nil }

// Adopt writes the pidfile of the instance for the server pid, which runs without
// one. The caller holds the lock.
func (i *Instance) Adopt(pid int) error {
	id, err := i.identity()
	if err != nil {
		return err
	}
	dir, name, err := i.dir(pidfile.MakeIt)
	if err != nil {
		return err
	}
	return dir.Adopt(name, pid, id)
}

// rivals are what else may explain a process that looks like a server: the
// pidfiles of the fleet, and its instances that do not run.
type rivals struct {
	tracked map[int]bool
	idle    []rival
}

type rival struct {
	pidfile string
	id      pidfile.Identity
}

// rivals looks at all instances of all programs. What cannot be found out of one
// does not speak for it.
func (f *Fleet) rivals() *rivals {
	r := &rivals{tracked: map[int]bool{}}
	if f.list() != nil {
		return r
	}
	for _, p := range f.Profile.Programs {
		s, err := f.whole(p)
		if err != nil {
			continue
		}
		for _, i := range s.Instances {
			found := i.Inspect()
			found.Process.Close()
			r.tracked[found.Record.PID] = true
			if found.State == pidfile.Running {
				continue
			}
			if id, err := i.identity(); err == nil {
				r.idle = append(r.idle, rival{i.Pidfile, id})
			}
		}
	}
	return r
}

// judge says which of the processes can be the server of i.
func (r *rivals) judge(i *Instance, id pidfile.Identity, sightings []pidfile.Sighting) Untracked {
	u := Untracked{Alike: !i.distinct(id)}
	var own []int
	for _, s := range sightings {
		if r.tracked[s.PID] || !i.mayRun(s.UIDs) || runsMgr(&i.fleet.Reader, s.PID) || i.isTest(s.Argv) || i.isPass(s.Argv) {
			continue
		}
		if u.Alike && i.launched(s.PID) {
			own = append(own, s.PID)
			continue
		}
		shared := slices.ContainsFunc(r.idle, func(o rival) bool { return o.pidfile != i.Pidfile && o.id.Matches(s.Argv) })
		if shared {
			u.Shared = append(u.Shared, s.PID)
		} else {
			u.PIDs = append(u.PIDs, s.PID)
		}
	}
	if len(own) > 0 { // then the others are not
		return Untracked{PIDs: own}
	}
	return u
}

// launched says whether mgr started the process pid for i, as far as its environment
// can be seen and tells.
func (i *Instance) launched(pid int) bool {
	p, err := pidfile.Open(pid)
	if err != nil {
		return false
	}
	defer p.Close()
	return slices.Contains(p.Getenv(&i.fleet.Reader, pidfileEnv), i.Pidfile)
}

// runsMgr says whether the process runs mgr itself. A stage does, which is about to
// become a server, and has a pidfile by then.
func runsMgr(rd *pidfile.Reader, pid int) bool {
	var own unix.Stat_t
	if unix.Stat("/proc/self/exe", &own) != nil {
		return false
	}
	other, err := rd.Program(pid)
	return err == nil && own.Dev == other.Dev && own.Ino == other.Ino
}

// isTest says whether argv is that of the checkcommand, which may be the server's
// with a word more.
func (i *Instance) isTest(argv []string) bool {
	words, err := i.fleet.words(i.Program, i.Program.CheckCommand, i.unit())
	if err != nil || len(words) < 2 || len(argv) < len(words) {
		return false
	}
	tail := argv[len(argv)-len(words):] // an interpreter may stand before it
	return filepath.Base(tail[0]) == filepath.Base(words[0]) && slices.Equal(tail[1:], words[1:])
}

// isPass says whether argv is that of one pass of the program, which ends by itself:
// cron may run one beside the server.
func (i *Instance) isPass(argv []string) bool {
	words, err := i.fleet.words(i.Program, i.Program.OnceArgs, i.unit())
	return err == nil && len(words) > 0 && len(argv) > len(words) && slices.Equal(argv[len(argv)-len(words):], words)
}

// distinct says whether id describes this instance and not just a command: a
// pattern of the profile's does, and arguments that name its conf or its pidfile.
func (i *Instance) distinct(id pidfile.Identity) bool {
	if id.Match != nil || !id.Edited {
		return true
	}
	return slices.ContainsFunc(id.Args, func(args []string) bool {
		return slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, i.Pidfile) })
	})
}

// mayRun says whether the users may be those of a server of i: root, the caller,
// the profile's user, the one that it drops to, and who owns the run directory, who
// could write a pidfile for any process of his. Nobody else can keep a server from
// being started by a process that looks like it.
func (i *Instance) mayRun(uids []uint32) bool {
	trusted := i.fleet.trusted([]*aliases.Program{i.Program})
	return !slices.ContainsFunc(uids, func(uid uint32) bool { return !slices.Contains(trusted, uid) })
}

// trusted are the users that servers of these programs may run as without a
// pidfile, see mayRun.
func (f *Fleet) trusted(programs []*aliases.Program) []uint32 {
	users := []uint32{0, uint32(os.Geteuid())}
	for _, p := range programs {
		for _, name := range []string{p.User, p.DropsTo} {
			if creds, err := f.credentials(name, ""); err == nil && creds != nil {
				users = append(users, uint32(creds.UID))
			}
		}
	}
	var st unix.Stat_t
	if f.run != nil && unix.Fstat(int(f.run.File().Fd()), &st) == nil {
		users = append(users, st.Uid)
	}
	slices.Sort(users)
	return slices.Compact(users)
}
