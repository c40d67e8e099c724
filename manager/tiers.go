package manager

import (
	"cmp"
	"slices"
	"strings"

	"mgr/server"
)

// A tier is the servers of one priority: they are started, and stopped, at once.
// Those of a group that has a priority come by that first.
type tier struct {
	group, priority int
	servers         []*server.Server
}

// tiers splits servers by priority, the lowest first, in the order that they
// have within it. In swift-init mode there is one.
func (m *Manager) tiers(servers []*server.Server) []tier {
	if m.Options.Compat {
		return []tier{{servers: servers}}
	}
	var out []tier
	for _, s := range servers {
		p := s.Program
		n := slices.IndexFunc(out, func(t tier) bool { return t.group == p.GroupOrder && t.priority == p.Priority })
		if n < 0 {
			n = len(out)
			out = append(out, tier{group: p.GroupOrder, priority: p.Priority})
		}
		out[n].servers = append(out[n].servers, s)
	}
	slices.SortStableFunc(out, func(a, b tier) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.priority, b.priority))
	})
	return out
}

// notBegun says that the instances of tiers were left as they are.
func (m *Manager) notBegun(tiers []tier, why string) {
	rest := names(tiers)
	if rest == "" {
		return
	}
	m.problem(nil, "not begun: %s: %s", rest, why)
	for _, t := range tiers {
		for _, i := range instances(t.servers) {
			m.result(i).fail("not begun: %s", why)
		}
	}
}

// names lists programs that have instances.
func names(tiers []tier) string {
	var out []string
	for _, t := range tiers {
		for _, s := range t.servers {
			if len(s.Instances) > 0 {
				out = append(out, s.Program.Name)
			}
		}
	}
	return strings.Join(out, ", ")
}
