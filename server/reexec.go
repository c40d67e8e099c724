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
	// Successor is the process that has taken over, if the program has a signal
	// to retire the old one with; 0 until then.
	Successor int

	image   pidfile.Image      // before
	fresh   int                // new workers at the last look
	since   time.Time          // and since when they are so many
	workers []int              // before
	old     []*pidfile.Process // the workers, and the server if a successor takes over: what has to drain
	notify  *notifySocket      // nil: it does not notify
}

// NewReexec looks at the server that runs in p, before it is signalled, and
// takes p over.
func NewReexec(i *Instance, p *pidfile.Process, tree *pidfile.Tree) (*Reexec, error) {
	r := &Reexec{Instance: i, Process: p, old: tree.Children(p), Begun: time.Now(), image: pidfile.ImageOf(p.PID()), workers: tree.ChildrenOf(p.PID())}
	if i.Program.Ready.Kind() == aliases.ReadyNotify {
		var err error
		if r.notify, err = listenNotify(i.Pidfile); err != nil {
			r.Close()
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
	for _, p := range r.old {
		p.Close()
	}
}

// Visible says whether it can be seen at all when the server is through: the
// kernel shows images only to those who may trace the process.
func (r *Reexec) Visible() bool {
	return r.notify != nil || r.image != "" || r.Instance.Program.RetireSignal != 0
}

// succeeded says whether the pidfile names a successor with as many workers as
// the server had.
func (r *Reexec) succeeded(tree *pidfile.Tree) bool {
	f := r.Instance.Inspect()
	f.Process.Close()
	if f.State != pidfile.Running || f.Record.PID == r.Process.PID() {
		return false
	}
	r.Successor = f.Record.PID
	return r.enough(len(tree.ChildrenOf(f.Record.PID)))
}

// enough says whether so many new workers are all that will come: as many as there
// were, or, where the conf may have become one for fewer, some, and no more of
// them for a while.
func (r *Reexec) enough(fresh int) bool {
	if fresh >= len(r.workers) {
		return true
	}
	if fresh != r.fresh {
		r.fresh, r.since = fresh, time.Now()
	}
	return fresh > 0 && time.Since(r.since) > nobodyElse
}

// nobodyElse is how long no new worker has come when there are enough.
const nobodyElse = 500 * time.Millisecond

// Fails says whether the server has ended and nobody has taken its place.
func (r *Reexec) Fails() bool {
	if !r.Process.Exited() {
		return false
	}
	f := r.Instance.Inspect()
	f.Process.Close()
	return r.Instance.Program.RetireSignal == 0 || f.State != pidfile.Running
}

// Through says whether the server has re-executed itself and is ready, by a
// snapshot that was taken just now.
func (r *Reexec) Through(tree *pidfile.Tree) bool {
	if r.notify != nil {
		c := Child{Instance: r.Instance, Process: r.Process}
		return r.notify.ready(c.trusts)
	}
	if r.Instance.Program.RetireSignal != 0 {
		return r.succeeded(tree)
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
	return r.enough(fresh)
}

// Draining gives those that have yet to finish what they do: the old workers, and
// the old server where a successor took over. The handles stay the Reexec's.
func (r *Reexec) Draining() []*pidfile.Process {
	var left []*pidfile.Process
	for _, p := range r.old {
		if !p.Exited() {
			left = append(left, p)
		}
	}
	if r.Successor != 0 && !r.Process.Exited() {
		left = append(left, r.Process)
	}
	return left
}
