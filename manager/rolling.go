package manager

import (
	"context"
	"strings"
	"time"

	"mgr/server"
)

// rolling does something to some instances at a time, in their order, and
// pauses in between. At the first failure it ends, and says what was not touched.
func (m *Manager) rolling(ctx context.Context, servers []*server.Server, do func(context.Context, []*server.Server) int) int {
	if m.Options.Serial == nil || *m.Options.Serial == 0 {
		return do(ctx, servers)
	}
	if m.Options.Strict == nil {
		strict := m.strict(servers) // of all, not of each part
		m.Options.Strict = &strict
	}
	parts := m.parts(servers)
	for n, part := range parts {
		if n > 0 && !m.pause(ctx) {
			m.untouched("interrupted", parts[n:])
			return Failed
		}
		m.lockWaited = 0
		if status := do(ctx, part); status != OK {
			why := "stopped at the first failure"
			if ctx.Err() != nil {
				why = "interrupted"
			}
			m.untouched(why, parts[n+1:])
			return status
		}
		m.Console.Flush()
	}
	return OK
}

// parts splits the instances of servers, tier after tier, into as many at a time
// as --serial allows. A program without any is with the first.
func (m *Manager) parts(servers []*server.Server) [][]*server.Server {
	var parts [][]*server.Server
	room := 0
	var ordered, empty []*server.Server
	for _, t := range m.tiers(servers) {
		ordered = append(ordered, t.servers...)
	}
	for _, s := range ordered {
		if len(s.Instances) == 0 {
			empty = append(empty, s)
		}
		for left := s.Instances; len(left) > 0; {
			if room == 0 {
				parts, room = append(parts, nil), *m.Options.Serial
			}
			some := *s
			some.Instances = left[:min(room, len(left))]
			left, room = left[len(some.Instances):], room-len(some.Instances)
			parts[len(parts)-1] = append(parts[len(parts)-1], &some)
		}
	}
	if len(parts) == 0 {
		return [][]*server.Server{servers}
	}
	parts[0] = append(parts[0], empty...)
	return parts
}

// pause waits between two parts, and says whether to go on.
func (m *Manager) pause(ctx context.Context) bool {
	m.Console.Flush()
	if m.Options.DryRun {
		if m.Options.Pause > 0 {
			m.would("pause for %s s", seconds(m.Options.Pause))
		}
		return ctx.Err() == nil
	}
	m.Console.waiting(progress{Doing: "pausing", Since: time.Now(), Limit: m.Options.Pause})
	defer m.Console.waited()
	timer := time.NewTimer(m.Options.Pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// untouched says which instances were left as they were.
func (m *Manager) untouched(why string, parts [][]*server.Server) {
	var list []string
	for _, part := range parts {
		for _, i := range instances(part) {
			list = append(list, i.Program.Name+" ("+subject(i)+")")
			m.result(i).fail("not touched: %s", why)
		}
	}
	if len(list) > 0 {
		m.problem(nil, "%s, not touched: %s", why, strings.Join(list, ", "))
	}
}
