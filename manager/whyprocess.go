package manager

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"mgr/aliases"
	"mgr/pidfile"
	"mgr/server"
)

// pidfile says what the pidfile leads to.
func (e *exam) pidfile() {
	i, f := e.i, e.f
	again := "mgr start " + wordFor(i)
	switch f.State {
	case pidfile.Running:
		e.add(verdictOK, "pidfile", "%s: pid %d, %s", i.Pidfile, f.Record.PID, e.m.Fleet.Reader.Describe(f.Record.PID))
	case pidfile.Stopped:
		e.fail("pidfile", again, "%s is not there", i.Pidfile).cause = e.lastWords(noPidfile)
	case pidfile.Dead:
		e.fail("pidfile", again, "%s is left of pid %d, which has ended; it was written at %s", i.Pidfile, f.Record.PID, at(f.Record.ModTime)).cause =
			e.lastWords(fmt.Sprintf("it has died: its pidfile is left, and its process, pid %d, has ended", f.Record.PID))
	case pidfile.Foreign:
		e.fail("pidfile", again, "%s: %s", i.Pidfile, e.m.holder(f)).cause = "its pidfile is stale: " + e.m.holder(f)
	case pidfile.Malformed:
		e.fail("pidfile", "ls -l "+shellWord(i.Pidfile), "%v", f.Err).cause = fmt.Sprintf("its pidfile cannot be used: %v", f.Err)
	default:
		c, be := e.add(verdictUnknown, "pidfile", "%v", f.Err), (*pidfile.BlockedError)(nil)
		if errors.As(f.Err, &be) {
			c.Next = lookAt(be)
		}
	}
}

// noPidfile is all that is known of most servers that do not run.
const noPidfile = "it has no pidfile: it was stopped, was not started, or its start has failed"

// lastWords adds what the server wrote last to a cause that explains little.
func (e *exam) lastWords(cause string) string {
	w, err := e.i.LastWords()
	if err != nil || len(w.Lines) == 0 || e.f.State == pidfile.Dead && w.When.Before(e.f.Record.ModTime) {
		return cause
	}
	return fmt.Sprintf("%s; the last line of its log, %s, is: %s", cause, at(w.When), w.Lines[len(w.Lines)-1])
}

// copied names processes that look like the server and that no pidfile names, and
// what is left of a dead one.
func (e *exam) copied() {
	i, u := e.i, e.copies
	adopt := "mgr adopt " + wordFor(i)
	switch {
	case len(u.PIDs) == 0:
	case u.Alike:
		e.add(verdictWarning, "copies", "%s the same command, and no pidfile names it: whose it is cannot be told", runPIDs(u.PIDs)).Next = adopt + " --dry-run"
	case e.process != nil:
		e.fail("copies", "ps -fp "+joinPIDs(u.PIDs, ","), "%s it as well, without a pidfile", runPIDs(u.PIDs)).cause =
			fmt.Sprintf("a second copy runs without a pidfile: %s", e.m.describe(u.PIDs[0]))
	case len(u.PIDs) > 1:
		e.fail("copies", "ps -fp "+joinPIDs(u.PIDs, ","), "%s it without a pidfile", runPIDs(u.PIDs)).cause =
			fmt.Sprintf("as far as its pidfile tells, but %s it without one", runPIDs(u.PIDs))
	default:
		e.fail("copies", adopt, "%s runs it without a pidfile", e.m.describe(u.PIDs[0]))
	}
	if len(u.Shared) > 0 {
		e.add(verdictWarning, "copies", "%s what may be this server or another one, without a pidfile", runPIDs(u.Shared)).Next = "ps -fp " + joinPIDs(u.Shared, ",")
	}
	left, err := e.left()
	if len(left) > 0 {
		e.add(verdictWarning, "copies", "workers of the dead pid %d still run: %s", e.f.Record.PID, listPIDs(left)).Next = "mgr stop " + wordFor(i)
	}
	if err = cmp.Or(e.unseen, err); err != nil {
		e.add(verdictUnknown, "copies", "processes cannot be looked at: %v", err)
	} else if len(u.PIDs)+len(u.Shared)+len(left) == 0 {
		e.add(verdictOK, "copies", "no process that looks like it is without a pidfile")
	}
}

// left gives the workers of a dead server.
func (e *exam) left() ([]int, error) {
	if e.f.State != pidfile.Dead {
		return nil, nil
	}
	workers, err := e.i.Left(e.f.Record)
	var pids []int
	for _, p := range workers {
		pids = append(pids, p.PID())
		p.Close()
	}
	return pids, err
}

// port looks who listens where the server is to listen.
func (e *exam) port() {
	l, ok, err := e.i.Listens()
	switch {
	case errors.Is(err, fs.ErrPermission), err != nil && e.is("syntax", verdictFailed):
		e.add(verdictUnknown, "port", "the conf does not tell")
	case err != nil:
		e.add(verdictWarning, "port", "%v", err)
	case ok:
		e.listener(l)
	}
}

// listener says who listens at l, and whether he should.
func (e *exam) listener(l server.Listening) {
	s, taken := e.m.listens(l)
	switch {
	case !taken && e.process == nil:
		e.add(verdictOK, "port", "%s (%s) is free", l, l.Told)
	case !taken:
		c := e.fail("port", "ss -ltn", "nobody listens at %s (%s)", l, l.Told)
		c.cause = fmt.Sprintf("it does not listen at %s", l)
		if l.Told == aliases.AddressConf { // the conf may say more than that
			c.Verdict = verdictWarning
		}
	case e.process != nil && e.process.HoldsIn(s):
		e.add(verdictOK, "port", "it listens at %s (%s)", l, l.Told)
	default:
		e.stranger(l, s)
	}
}

// stranger names who holds the socket s, which is not e's server as far as can be
// seen.
func (e *exam) stranger(l server.Listening, s pidfile.Socket) {
	pid := e.m.socketHolder(s)
	who, next := e.m.heldBy(s, pid)
	switch {
	case e.process != nil && pid == 0:
		e.add(verdictUnknown, "port", "%s listens at %s (%s)", who, l, l.Told)
	case l.Path == "" && !s.Covers(l.Address):
		e.add(verdictWarning, "port", "%s is held by %s, for IPv4 as well perhaps", s.Address, who).Next = next
	default:
		what := "port " + itoa(int(l.Address.Port()))
		if l.Path != "" {
			what = "socket " + l.Path
		}
		e.fail("port", next, "%s (%s) is held by %s", l, l.Told, who).cause = what + " is held by " + who
	}
}

// socketHolder is the number of who holds a socket, 0 if that cannot be seen.
func (m *Manager) socketHolder(s pidfile.Socket) int {
	if m.holders == nil {
		m.holders = m.Fleet.Reader.SocketHolders()
	}
	return m.holders[s.Inode]
}

// heldBy says who holds a socket, and what to type to find out more.
func (m *Manager) heldBy(s pidfile.Socket, pid int) (who, next string) {
	if pid != 0 {
		return m.describe(pid), "ps -fp " + itoa(pid)
	}
	who = "a process that cannot be seen"
	if s.Address != (netip.AddrPort{}) {
		who += ", of " + pidfile.UserName(s.UID)
	}
	return who, "sudo ss -ltnp"
}

// listens finds the socket that listens at l.
func (m *Manager) listens(l server.Listening) (pidfile.Socket, bool) {
	if l.Path != "" {
		found := pidfile.UnixListening(l.Path)
		return append(found, pidfile.Socket{})[0], len(found) > 0
	}
	if m.sockets == nil {
		m.sockets = pidfile.AllListening()
	}
	covers := func(s pidfile.Socket) bool { return s.Covers(l.Address) }
	if n := slices.IndexFunc(m.sockets, covers); n >= 0 {
		return m.sockets[n], true
	}
	// One of IPv6 may stand for IPv4 as well, which the kernel does not tell.
	both := netip.AddrPortFrom(netip.IPv6Unspecified(), l.Address.Port())
	n := slices.IndexFunc(m.sockets, func(s pidfile.Socket) bool { return l.Address.Addr().Is4() && s.Address == both })
	if n < 0 {
		return pidfile.Socket{}, false
	}
	return m.sockets[n], true
}

// killed looks whether the kernel has killed the server for want of memory.
func (e *exam) killed() {
	if e.f.State != pidfile.Dead {
		return
	}
	if e.m.kernel == nil {
		e.m.kernel = server.ReadKernelLog()
	}
	message, err := e.m.kernel.Killed(e.f.Record.PID, e.f.Record.ModTime)
	switch {
	case err != nil:
		e.add(verdictUnknown, "memory", "whether the kernel has killed it for memory: %v", err)
	case message != "":
		e.fail("memory", "dmesg -T | grep -i 'killed process'", "the kernel's log: %s", message).cause =
			fmt.Sprintf("the kernel has killed it, pid %d, for want of memory", e.f.Record.PID)
	default:
		e.add(verdictOK, "memory", "the kernel's log does not tell that it has killed pid %d", e.f.Record.PID)
	}
}

// memory looks at what mgr's own cgroup, which the server would be in, may use.
func (e *exam) memory() {
	c, ok := server.OwnCgroup()
	if !ok {
		return
	}
	if c.Kills > 0 && e.process == nil {
		e.add(verdictWarning, "memory", "the kernel has killed %d processes of the cgroup that mgr is in, %s, for memory; where the server ran it cannot be told", c.Kills, c.Path)
	}
	if c.Limit > 0 && c.Used > c.Limit/10*9 {
		e.add(verdictWarning, "memory", "%s of %s that the cgroup %s may use are in use", size(c.Used), size(c.Limit), c.Path)
	}
}

// output shows what the server wrote last.
func (e *exam) output() {
	w, err := e.i.LastWords()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.add(verdictSkipped, "output", "mgr knows no log of it")
	case err != nil:
		e.add(verdictUnknown, "output", "%v", err)
	case len(w.Lines) == 0:
		e.add(verdictOK, "output", "%s is empty", w.Path)
	default:
		c := e.add(verdictOK, "output", "the end of %s, %s:", w.Path, at(w.When))
		if e.process == nil {
			c.Next = "mgr logs " + wordFor(e.i)
		}
		for _, line := range w.Lines[max(0, len(w.Lines)-5):] {
			e.add(verdictOK, "output", "| %s", line)
		}
	}
}
