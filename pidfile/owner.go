package pidfile

import (
	"fmt"
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// Describe says in words who holds the pid now: `"bash" of alice, started
// 2026-11-21 02:10:07`. It is for messages only, never for a decision: by the
// time it is read the answer may be out of date.
func Describe(pid int) string {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return "nobody"
	}
	name, err := p.Name()
	if err != nil {
		return "a process that cannot be seen"
	}
	s := fmt.Sprintf("%q", name)
	if user, err := p.Username(); err == nil {
		s += " of " + user
	}
	if ms, err := p.CreateTime(); err == nil {
		s += ", started " + time.UnixMilli(ms).Format(time.DateTime)
	}
	return s
}
