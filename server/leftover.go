package server

import (
	"errors"
	"slices"
	"time"

	"mgr/pidfile"
)

// A Remains is for a look at what servers have left behind that have ended: at many of
// them by one snapshot of all processes, which is taken when it is first needed. The zero
// value is ready.
type Remains struct {
	tree  *pidfile.Tree
	taken time.Time
}

// fileTick is by how much the time of a file that is written may be behind: before Linux
// 6.13 it is that of the last tick of the kernel's clock, CONFIG_HZ.
const fileTick = 10 * time.Millisecond

// since gives a snapshot that is no older than the end of the server whose pidfile holds
// rec.
func (r *Remains) since(rec pidfile.Record) (*pidfile.Tree, error) {
	if r.tree != nil && !r.tree.Has(rec.PID) && rec.ModTime.Add(fileTick).Before(r.taken) {
		return r.tree, nil
	}
	var err error
	r.taken = time.Now()
	r.tree, err = pidfile.ReadTree()
	return r.tree, err
}

// Of gives handles on the workers that the server of i left behind, whose pidfile holds
// rec and that has ended. The caller closes them, also with an error, which may be about
// one that cannot be read (pidfile.Blocked), or too few descriptors.
func (r *Remains) Of(i *Instance, rec pidfile.Record) ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil {
		return nil, err
	}
	tree, err := r.since(rec)
	if err != nil {
		return nil, err
	}
	return tree.Left(&i.fleet.Reader, rec, id)
}

// Most is how many handles Of gives at the most.
func (r *Remains) Most(rec pidfile.Record) int {
	tree, err := r.since(rec)
	if err != nil {
		return 0 // as Of will say
	}
	return tree.Led(rec.PID)
}

// Left is Remains.Of for one server.
func (i *Instance) Left(rec pidfile.Record) ([]*pidfile.Process, error) {
	return new(Remains).Of(i, rec)
}

// alone says whether id describes this instance and no other: its conf is among
// the arguments. A pattern, or arguments that any other server may begin with as
// well, are no ground to look for processes that no pidfile names.
func (i *Instance) alone(id pidfile.Identity) bool {
	return i.Conf != "" && id.Match == nil && !id.Edited
}

// Orphans gives handles on workers of the server of i, whose pidfile holds rec and that
// has ended, which init has adopted, whatever group they are in. The caller closes them.
func (r *Remains) Orphans(i *Instance, rec pidfile.Record) ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil || !i.alone(id) || i.shared(id) {
		return nil, err
	}
	tree, err := r.since(rec)
	if err != nil {
		return nil, err
	}
	found, err := tree.Orphans(&i.fleet.Reader, id)
	return i.trusted(found), err
}

// trusted leaves out, and closes, the processes of users that no server of i runs as:
// anybody can have one that looks like it.
func (i *Instance) trusted(found []*pidfile.Process) []*pidfile.Process {
	return slices.DeleteFunc(found, func(p *pidfile.Process) bool {
		uids, err := p.UIDs()
		if err == nil && i.mayRun(uids) {
			return false
		}
		p.Close()
		return true
	})
}

// Copies gives handles on all processes that show the command lines of instances, and
// of no other program's, and belong to who may run them: servers, their workers, and
// those that no pidfile names. The caller closes them.
func (f *Fleet) Copies(instances []*Instance) (map[*Instance][]*pidfile.Process, error) {
	copies, err := f.like(instances, func(i *Instance, id pidfile.Identity) bool { return !i.shared(id) })
	for i, found := range copies {
		copies[i] = i.trusted(found)
	}
	return copies, err
}

// Alike is Copies for one instance, with those that may be another program's, or anybody's:
// they are to be told of, and not to be signalled.
func (i *Instance) Alike() ([]*pidfile.Process, error) {
	all, err := i.fleet.like([]*Instance{i}, func(*Instance, pidfile.Identity) bool { return true })
	return all[i], err
}

// shared says whether a process of another program with the same conf would be taken
// for one of i, which id describes: two programs may differ by what stands behind the
// conf alone.
func (i *Instance) shared(id pidfile.Identity) bool {
	others, err := i.namesakes()
	return err != nil || slices.ContainsFunc(others, id.Matches)
}

// like gives handles on all processes that show the command lines of those instances
// that are wanted.
func (f *Fleet) like(instances []*Instance, wanted func(*Instance, pidfile.Identity) bool) (map[*Instance][]*pidfile.Process, error) {
	var alone []*Instance
	var ids []pidfile.Identity
	var errs []error
	for _, i := range instances {
		id, err := i.identity()
		if errs = append(errs, err); err == nil && i.alone(id) && wanted(i, id) {
			alone, ids = append(alone, i), append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, errors.Join(errs...)
	}
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	copies := map[*Instance][]*pidfile.Process{}
	all, err := tree.MatchingEach(&f.Reader, ids)
	for n, found := range all {
		if len(found) > 0 {
			copies[alone[n]] = found
		}
	}
	return copies, errors.Join(append(errs, err)...)
}
