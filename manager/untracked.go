package manager

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"mgr/pidfile"
	"mgr/server"
)

// This file is about servers that run and that no pidfile names: those that
// somebody started by hand, that lost their pidfile, or that write it themselves
// and have not yet.

// untracked gives the servers that instances, which were found not to run, have
// all the same, where nothing but they can be meant by them. Those that are known
// to run, by pid, are none. The error says that there are too few descriptors to look for
// them; of another one it tells.
func (m *Manager) untracked(missing []*server.Instance, running map[int]bool) (map[*server.Instance]server.Untracked, error) {
	if len(missing) == 0 || m.Options.Compat {
		return nil, nil
	}
	found, err := m.Fleet.Untracked(missing, running)
	if pidfile.Scarce(err) {
		return nil, fmt.Errorf("cannot look for servers without a pidfile: %w", err)
	}
	if err != nil {
		m.warn(nil, "cannot look for servers without a pidfile: %v", err)
		return nil, nil
	}
	for i, u := range found {
		if u.Alike || len(u.PIDs) == 0 {
			delete(found, i)
		}
	}
	return found, nil
}

// seeUntracked is untracked for who only tells of them.
func (m *Manager) seeUntracked(missing []*server.Instance, running map[int]bool) map[*server.Instance]server.Untracked {
	found, err := m.untracked(missing, running)
	if err != nil {
		m.warn(nil, "%v", err)
	}
	return found
}

// runningPIDs are those of servers that were found to run; none if nothing is
// missing.
func runningPIDs(found iter.Seq[pidfile.Finding], missing []*server.Instance) map[int]bool {
	if len(missing) == 0 {
		return nil
	}
	running := map[int]bool{}
	for f := range found {
		if f.State == pidfile.Running {
			running[f.Record.PID] = true
		}
	}
	return running
}

// absent says whether f is about a server that does not run, as far as its pidfile
// tells.
func absent(f pidfile.Finding) bool {
	return f.State == pidfile.Stopped || f.State == pidfile.Dead || f.State == pidfile.Foreign
}

// untouchedSoFar says whether this command has neither stopped nor started i: what
// looks like its server then is what it has left behind.
func (m *Manager) untouchedSoFar(i *server.Instance) bool { return !m.met[i] }

// runPIDs is `pid 12 runs` or `pids 12 and 13 run`.
func runPIDs(pids []int) string {
	if len(pids) == 1 {
		return "pid " + itoa(pids[0]) + " runs"
	}
	return "pids " + listPIDs(pids) + " run"
}

// listPIDs is `12, 13 and 14`.
func listPIDs(pids []int) string {
	n := len(pids) - 1
	if n == 0 {
		return itoa(pids[0])
	}
	return joinPIDs(pids[:n], ", ") + " and " + itoa(pids[n])
}

// joinPIDs has sep between any two.
func joinPIDs(pids []int, sep string) string {
	words := make([]string, len(pids))
	for n, pid := range pids {
		words[n] = itoa(pid)
	}
	return strings.Join(words, sep)
}

// adoptHint says what leads on from servers without a pidfile.
func (m *Manager) adoptHint(i *server.Instance, pids []int) {
	if len(pids) > 1 {
		m.Console.Hint("one of them is too many: end it by hand, then mgr adopt %s", wordFor(i))
		return
	}
	m.Console.Hint("mgr adopt %s writes its pidfile", wordFor(i))
}

// wordFor is what an operator types for i.
func wordFor(i *server.Instance) string {
	word := i.Program.Name
	if i.Conf == "" && !i.Program.Numbered() {
		return word
	}
	if names := i.Names(); names[len(names)-1] != "" {
		word += "." + names[len(names)-1]
	}
	return word
}

// inspect looks at instances whose locks are held, and, if some do not run, for
// servers that no pidfile names.
func (s *starting) inspect(batch []*server.Instance) map[*server.Instance]pidfile.Finding {
	found := map[*server.Instance]pidfile.Finding{}
	var missing []*server.Instance
	next := server.Inspections(batch)
	for _, i := range batch {
		f := next()
		found[i] = f
		if absent(f) && s.m.untouchedSoFar(i) {
			missing = append(missing, i)
		}
	}
	loose, err := s.m.untracked(missing, runningPIDs(maps.Values(found), missing))
	if err != nil { // any of them may run
		for _, i := range missing {
			found[i] = pidfile.Finding{State: pidfile.Unknown, Record: found[i].Record, Err: err}
		}
	}
	for i, u := range loose {
		f := i.Inspect() // it may have written its pidfile meanwhile
		f.Process.Close()
		if found[i] = f; absent(f) {
			s.loose[i] = u.PIDs
		}
	}
	return found
}

// sayLoose names the servers of instances that were found not to run and that run
// all the same: no signal goes to a process that no pidfile names.
func (s *stopping) sayLoose(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	m := s.m
	found, err := m.untracked(s.missing, nil)
	if err != nil {
		m.problem(nil, "%v", err)
		s.failed = true
	}
	for _, i := range s.missing {
		s.ran[i.Program] = s.ran[i.Program] || err != nil // it cannot be told
	}
	for _, i := range s.missing {
		u, ok := found[i]
		if !ok || !stillAbsent(i) {
			continue
		}
		s.failed, s.ran[i.Program] = true, true
		s.loose = append(s.loose, i)
		m.problem(i, "%s (%s): %s it without a pidfile: not signalled", i, subject(i), runPIDs(u.PIDs))
		m.adoptHint(i, u.PIDs)
	}
}

// lookBeside looks, at -v, for servers that run beside those with a pidfile: it takes
// longer than most stops do. It is done before the first signal, since later what
// servers leave behind may look like them. A restart starts others anyway.
func (s *stopping) lookBeside(servers []*server.Server) {
	if s.m.Options.Verbose && !s.ports {
		s.beside = s.m.seeUntracked(instances(servers), nil)
	}
}

// sayBeside names those of them that run on, where what had the pidfile is gone.
func (s *stopping) sayBeside(ctx context.Context, servers []*server.Server) {
	m := s.m
	if len(s.beside) == 0 || ctx.Err() != nil {
		return
	}
	for _, i := range instances(servers) {
		pids := slices.DeleteFunc(s.beside[i].PIDs, func(pid int) bool { return !i.Serves(pid) })
		if len(pids) == 0 || slices.Contains(s.missing, i) || !m.foretold(i) && !stillAbsent(i) {
			continue
		}
		m.warn(i, "%s (%s): %s it as well, without a pidfile: not signalled", i, subject(i), runPIDs(pids))
		m.adoptHint(i, pids)
	}
}

// stillAbsent looks again: a server may have written its pidfile meanwhile.
func stillAbsent(i *server.Instance) bool {
	f := i.Inspect()
	f.Process.Close()
	return absent(f)
}
