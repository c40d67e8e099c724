package server

import (
	"slices"
	"strconv"
	"strings"
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
	// Refused is why the server goes on as before, in its own words.
	Refused string
	// Deaf is why nothing can be heard at the program's seamlessnotify, so that
	// what is seen has to do; nil: it can, or there is none.
	Deaf error

	image     pidfile.Image // before
	fresh     int           // new workers at the last look
	since     time.Time     // and since when they are so many
	workers   []worker      // before
	sockets   []*notifySocket
	only      bool      // what it says decides: it said that it begins, or notifies in any case
	reloading bool      // it said that it begins
	ready     time.Time // when it said that it is ready; zero: it has not
}

// A worker is a child of the server before it was signalled.
type worker struct {
	pid   int
	image pidfile.Image
}

// NewReexec looks at the server that runs in p, before it is signalled, and
// takes p over.
func NewReexec(i *Instance, p *pidfile.Process, tree *pidfile.Tree) (*Reexec, error) {
	r := &Reexec{Instance: i, Process: p, Begun: time.Now(), image: pidfile.ImageOf(p.PID())}
	for _, pid := range tree.ChildrenOf(p.PID()) {
		r.workers = append(r.workers, worker{pid, pidfile.ImageOf(pid)})
	}
	if i.Program.Ready.Kind() == aliases.ReadyNotify {
		if err := r.listen(i.givenName(p)); err != nil {
			r.Close()
			return nil, err
		}
		r.only = true
	}
	if i.Program.SeamlessNotify != "" {
		name, err := i.seamlessName(strconv.Itoa(p.PID()))
		if err == nil {
			err = r.listen(strings.ReplaceAll(name, "@", "\x00"))
		}
		r.Deaf = err
	}
	return r, nil
}

func (r *Reexec) listen(name string) error {
	s, err := listenNotify(&r.Instance.fleet.Reader, name)
	if err == nil {
		r.sockets = append(r.sockets, s)
	}
	return err
}

// seamlessName is where the server says how its re-execution goes, in a process
// of that number.
func (i *Instance) seamlessName(pid string) (string, error) {
	scope := i.fleet.Profile.Scope(i.Program, i.unit(), i.fleet.getenv)
	return scope.WithPID(pid).Expand(i.Program.SeamlessNotify)
}

// FDs are descriptors that become readable when something happens: first the
// end of the process, then what the server says.
func (r *Reexec) FDs() []int {
	fds := []int{r.Process.FD()}
	for _, s := range r.sockets {
		fds = append(fds, s.fd)
	}
	return fds
}

// Unheard are those of FDs that stay readable though nobody reads there any more.
func (r *Reexec) Unheard() []int {
	var fds []int
	for _, s := range r.sockets {
		if s.deaf {
			fds = append(fds, s.fd)
		}
	}
	return fds
}

// Predecessor is the pid of the server that has made p, as its successor, and has
// not ended yet; 0 if there is none.
func (i *Instance) Predecessor(p *pidfile.Process) int {
	id, err := i.identity()
	if err != nil {
		return 0
	}
	return p.Predecessor(&i.fleet.Reader, id)
}

// Close lets go of the server.
func (r *Reexec) Close() {
	for _, s := range r.sockets {
		s.close()
	}
	r.sockets = nil
	r.Process.Close()
}

// Visible says whether it can be seen at all when the server is through: the
// kernel shows images only to those who may trace the process. If it cannot, there is
// still what the server may say, and that it lives on.
func (r *Reexec) Visible() bool {
	return r.only || r.image != "" || r.Instance.Program.RetireSignal != 0
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
	if fresh >= r.wanted() {
		return true
	}
	if fresh != r.fresh {
		r.fresh, r.since = fresh, time.Now()
	}
	return fresh > 0 && time.Since(r.since) > nobodyElse
}

// wanted is how many workers there will be again, as far as is known. A successor is
// none: it was one of the server's children if somebody had asked for it before.
func (r *Reexec) wanted() int {
	all, same := 0, 0
	for _, w := range r.workers {
		if w.pid == r.Successor {
			continue
		}
		if all++; w.image == r.image {
			same++ // others may be left from the time before
		}
	}
	if same == 0 {
		return all // each has an image of its own
	}
	return same
}

// nobodyElse is how long no new worker has come when there are enough, and how
// long a server that did not say that it begins has been ready when it has begun.
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

// Hear takes what the server has said since the last time.
func (r *Reexec) Hear() {
	c := Child{Instance: r.Instance, Process: r.Process}
	for _, s := range r.sockets {
		for _, n := range s.read(c.trusts) {
			r.take(n)
		}
	}
}

// take takes one message of the server.
func (r *Reexec) take(n notice) {
	switch {
	case n.Failed:
		r.Refused = n.Status
		if r.Refused == "" {
			r.Refused = "it gives no reason"
		}
	case n.Reloading:
		r.only, r.reloading, r.ready = true, true, time.Time{}
	case n.Ready:
		r.ready = time.Now()
	}
}

// Told says whether the server has said that it is ready again. Without its word
// that it begins, or a new image, that may still be the end of its start.
func (r *Reexec) Told() bool {
	if r.ready.IsZero() {
		return false
	}
	now := pidfile.ImageOf(r.Process.PID())
	return r.reloading || now != "" && now != r.image || time.Since(r.ready) > nobodyElse
}

// Seen says whether the server has re-executed itself and is ready, by a
// snapshot that was taken just now, unless that is for the server to say.
func (r *Reexec) Seen(tree *pidfile.Tree) bool {
	if r.Instance.Program.RetireSignal != 0 {
		return r.succeeded(tree)
	}
	now := pidfile.ImageOf(r.Process.PID())
	if r.only || now == "" || now == r.image {
		return false
	}
	fresh := 0
	for _, pid := range tree.ChildrenOf(r.Process.PID()) {
		w := worker{pid, pidfile.ImageOf(pid)}
		switch {
		case slices.Contains(r.workers, w):
		case w.image == r.image:
			return false // a fork of the old image: it hands over the listening sockets
		default:
			fresh++
		}
	}
	return r.enough(fresh)
}

// Draining gives handles on those that have yet to finish what they do: the old
// workers, and the old server where a successor took over. The caller closes them.
func (r *Reexec) Draining() []*pidfile.Process {
	var left []*pidfile.Process
	for _, w := range r.workers {
		if p := r.still(w); p != nil {
			left = append(left, p)
		}
	}
	if r.Successor != 0 && !r.Process.Exited() {
		if p, err := r.Process.Dup(); err == nil {
			left = append(left, p)
		}
	}
	return left
}

// still opens the process of an old worker if it is still that: by its image,
// which nobody else but its own forks can have, or else by its parent.
func (r *Reexec) still(w worker) *pidfile.Process {
	p, err := pidfile.Open(w.pid)
	if err != nil {
		return nil
	}
	parent, err := pidfile.Parent(w.pid)
	same := err == nil && parent == r.Process.PID()
	if now := pidfile.ImageOf(w.pid); w.image != "" && now != "" {
		same = now == w.image
	}
	if !same || p.Exited() {
		p.Close()
		return nil
	}
	return p
}
