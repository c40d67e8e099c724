package manager

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"mgr/pidfile"
	"mgr/server"
)

// stats are what a running server and its workers take of the machine.
type stats struct {
	CPUPercent  float64 `json:"cpu_percent"`               // of one processor, on average since its start
	CPUSeconds  float64 `json:"cpu_seconds"`               // of it and of those of its workers that live
	RSS         int64   `json:"rss_bytes"`                 // shared pages count for each process
	PSS         *int64  `json:"pss_bytes,omitempty"`       // shared pages are shared out; with -v
	Workers     int     `json:"workers"`                   // processes that belong to it
	Threads     int     `json:"threads"`                   // of all
	Descriptors *int    `json:"descriptors,omitempty"`     // of the process that is nearest to its limit
	MaxFDs      *int64  `json:"descriptors_max,omitempty"` // that limit
	Uptime      float64 `json:"uptime_seconds"`
}

// stats prints what servers take, once or again and again. It only reads.
func (m *Manager) stats(ctx context.Context, servers []*server.Server) int {
	v := &statsView{m: m, before: map[*server.Instance]sample{}}
	if v.numberless(servers) {
		return v.status
	}
	if m.Options.Watch == 0 {
		lines := v.look(servers)
		if !m.Console.silent {
			m.Console.table(lines)
		}
		return v.status
	}
	if err := v.watch(ctx, servers); err != nil {
		m.problem(nil, "%v", err)
		return Failed
	}
	return v.status
}

// misses says whether it matters that s, one of servers, has no instance.
func (m *Manager) misses(s *server.Server, servers []*server.Server) bool {
	return len(s.Instances) == 0 && (m.strict(servers) || !anyInstance(servers))
}

// A statsView is what stats looks at, and what it has seen.
type statsView struct {
	m      *Manager
	before map[*server.Instance]sample // the looks before
	status int
}

// A sample is what was seen of a server's processes at one look.
type sample struct {
	at  time.Time
	cpu map[processID]time.Duration
}

// A processID is who a process is, for as long as it is looked at: a number alone
// may be another's at the next look.
type processID struct {
	pid   int
	start uint64
}

// numberless says which of servers have no conf of the number asked for, and whether
// that is all of them.
func (v *statsView) numberless(servers []*server.Server) bool {
	all := true
	for _, s := range servers {
		if v.m.Options.Number == 0 || len(s.Errs) > 0 || !v.m.misses(s, servers) {
			all = false
			continue
		}
		v.m.noConf(s, &v.m.errors)
		v.status = Failed
	}
	return all
}

// look looks at all servers and gives the lines to be printed.
func (v *statsView) look(servers []*server.Server) []line {
	m := v.m
	tree, err := pidfile.ReadTree()
	if err != nil {
		v.fail(nil, "%v", err)
		return nil
	}
	t := table{verbose: m.Options.Verbose}
	for _, s := range servers {
		for _, err := range s.Errs {
			v.fail(nil, "%s: %v", s.Program.Name, err)
		}
		if m.Options.Number == 0 && m.misses(s, servers) {
			t.idle(s.Program.Name, "not running")
		}
		var all []stats
		for _, i := range s.Instances {
			if st := v.instance(tree, i, &t); st != nil {
				all = append(all, *st)
			}
		}
		t.sums(all)
	}
	return t.lines()
}

// fail says once what cannot be told.
func (v *statsView) fail(i *server.Instance, format string, args ...any) {
	v.status = Failed
	if text := fmt.Sprintf(format, args...); !v.m.warned[text] {
		v.m.warned[text] = true
		v.m.problem(i, "%s", text)
		v.m.blockedHint(args)
	}
}

// instance looks at one instance; nil if it does not run.
func (v *statsView) instance(tree *pidfile.Tree, i *server.Instance, t *table) *stats {
	f := i.Inspect()
	defer f.Process.Close()
	r := v.m.found(i, f)
	if f.State != pidfile.Running {
		t.idle(i.Label(), idleWord(f.State))
		delete(v.before, i)
		if f.State == pidfile.Unknown {
			v.fail(i, "%s (%s): %v", i, subject(i), f.Err)
		}
		return nil
	}
	usages, err := v.m.family(tree, f.Process)
	if err != nil {
		t.idle(i.Label(), "unknown")
		v.fail(i, "%s (%d - %s): %v", i, f.Record.PID, subject(i), err)
		return nil
	}
	st := sum(usages)
	st.CPUPercent = v.percent(i, usages)
	r.Stats = &st
	t.row(i.Label(), f.Record.PID, st)
	return &st
}

// family looks at a server and all that belongs to it. What ends meanwhile is left
// out.
func (m *Manager) family(tree *pidfile.Tree, p *pidfile.Process) ([]pidfile.Usage, error) {
	depth := pidfile.Shallow
	if m.Options.Verbose {
		depth = pidfile.Deep
	}
	u, err := p.Usage(&m.Fleet.Reader, depth)
	if err != nil {
		return nil, err
	}
	usages := []pidfile.Usage{u}
	members, err := tree.Family(p)
	for _, member := range members {
		if u, err := member.Usage(&m.Fleet.Reader, depth); err == nil {
			usages = append(usages, u)
		}
		member.Close()
	}
	return usages, err
}

// sum adds up what the processes of one server take, itself first.
func sum(usages []pidfile.Usage) stats {
	st := stats{Workers: len(usages) - 1, Uptime: usages[0].Age.Seconds()}
	pss := int64(0)
	for _, u := range usages {
		st.CPUSeconds += u.CPU.Seconds()
		st.RSS += u.RSS
		st.Threads += u.Threads
		if pss >= 0 && u.PSS >= 0 {
			pss += u.PSS
		} else {
			pss = -1
		}
	}
	if pss >= 0 {
		st.PSS = &pss
	}
	seen := slices.DeleteFunc(slices.Clone(usages), func(u pidfile.Usage) bool { return u.FDs < 0 })
	if len(seen) > 0 {
		worst := slices.MaxFunc(seen, func(a, b pidfile.Usage) int { return cmp.Compare(crowded(a), crowded(b)) })
		st.Descriptors = &worst.FDs
		if worst.MaxFDs >= 0 {
			st.MaxFDs = &worst.MaxFDs
		}
	}
	return st
}

// crowded is how near a process is to its limit of descriptors.
func crowded(u pidfile.Usage) float64 {
	if u.MaxFDs <= 0 {
		return 0
	}
	return float64(u.FDs) / float64(u.MaxFDs)
}

// percent is how much of one processor the processes have used: since the look
// before, or at the first look since the server's start, as ps(1) has it.
func (v *statsView) percent(i *server.Instance, usages []pidfile.Usage) float64 {
	now := sample{at: time.Now(), cpu: map[processID]time.Duration{}}
	for _, u := range usages {
		now.cpu[processID{u.PID, u.Start}] = u.CPU
	}
	before, ok := v.before[i]
	v.before[i] = now
	lead := processID{usages[0].PID, usages[0].Start}
	if _, same := before.cpu[lead]; !ok || !same {
		var used time.Duration
		for _, u := range usages {
			used += u.CPU
		}
		return share(used, usages[0].Age)
	}
	return share(now.since(before), now.at.Sub(before.at))
}

// since is the processor time between two looks. A process that is new was born in
// between, for all that is known; what one that ended used meanwhile is not.
func (s sample) since(before sample) time.Duration {
	var used time.Duration
	for id, cpu := range s.cpu {
		used += max(0, cpu-before.cpu[id])
	}
	return used
}
