package server

import (
	"mgr/pidfile"
)

// Left gives handles on the workers that a server left behind whose pidfile
// holds rec and that has ended. The caller closes them.
func (i *Instance) Left(rec pidfile.Record) ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil {
		return nil, err
	}
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	return tree.Left(&i.fleet.Reader, rec, id), nil
}

// alone says whether id describes this instance and no other: its conf is among
// the arguments. A pattern, or arguments that any other server may begin with as
// well, are no ground to look for processes that no pidfile names.
func (i *Instance) alone(id pidfile.Identity) bool {
	return i.Conf != "" && id.Match == nil && !id.Edited
}

// Orphans gives handles on workers of i that init has adopted, whatever group
// they are in. The caller closes them.
func (i *Instance) Orphans() ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil || !i.alone(id) {
		return nil, err
	}
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	return tree.Orphans(&i.fleet.Reader, id), nil
}

// Copies gives handles on all processes that show the command line of i: the
// server, its workers, and those that no pidfile names. The caller closes them.
func (i *Instance) Copies() ([]*pidfile.Process, error) {
	tree, err := pidfile.ReadTree()
	if err != nil {
		return nil, err
	}
	return i.CopiesIn(tree)
}

// CopiesIn is Copies in a snapshot that was taken just now.
func (i *Instance) CopiesIn(tree *pidfile.Tree) ([]*pidfile.Process, error) {
	id, err := i.identity()
	if err != nil || !i.alone(id) {
		return nil, err
	}
	return tree.Matching(&i.fleet.Reader, id), nil
}
