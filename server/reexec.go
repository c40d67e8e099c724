package server

import (
	"slices"
	"time"

	"mgr/aliases"
	"mgr/pidfile"
)

// A Reexec is a server that is asked to re-execute itself in its own process,
// and what is seen of it: it is through when its process runs a new image, when
// that image has as many workers as the one before, and when what the old image
// left behind to hand over the listening sockets has gone. Old workers may go
// on to finish what they do. A server that notifies is through when it says so.
type Reexec struct {
	Instance *Instance
	Process  *pidfile.Process
	Begun    time.Time

	image   pidfile.Image // before
	workers []int         // before
	notify  *notifySocket // nil: it does not notify
}

// NewReexec looks at the server that runs in p, before it is signalled, and
// takes p over.
func NewReexec(i *Instance, p *pidfile.Process, tree *pidfile.Tree) (*Reexec, error) {
	r := &Reexec{Instance: i, Process: p, Begun: time.Now(), image: pidfile.ImageOf(p.PID()), workers: tree.ChildrenOf(p.PID())}
	if i.Program.Ready.Kind() == aliases.ReadyNotify {
		var err error
		if r.notify, err = listenNotify(i.Pidfile); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Close lets go of the server.
func (r *Reexec) Close() {
	if r.notify != nil {
		r.notify.close()
		r.notify = nil
	}
	r.Process.Close()
}

// Visible says whether it can be seen at all when the server is through: the
// kernel shows images only to those who may trace the process.
func (r *Reexec) Visible() bool { return r.notify != nil || r.image != "" }

// Through says whether the server has re-executed itself and is ready, by a
// snapshot that was taken just now.
func (r *Reexec) Through(tree *pidfile.Tree) bool {
	if r.notify != nil {
		c := Child{Instance: r.Instance, Process: r.Process}
		return r.notify.ready(c.trusts)
	}
	now := pidfile.ImageOf(r.Process.PID())
	if now == "" || now == r.image {
		return false
	}
	fresh := 0
	for _, pid := range tree.ChildrenOf(r.Process.PID()) {
		switch {
		case slices.Contains(r.workers, pid):
		case pidfile.ImageOf(pid) == r.image:
			return false // a fork of the old image: it hands over the listening sockets
		default:
			fresh++
		}
	}
	return fresh >= len(r.workers)
}

// Draining gives the old workers that still run.
func (r *Reexec) Draining(tree *pidfile.Tree) []int {
	var left []int
	for _, pid := range tree.ChildrenOf(r.Process.PID()) {
		if slices.Contains(r.workers, pid) {
			left = append(left, pid)
		}
	}
	return left
}
