package pidfile

import "strings"

// Getenv gives the values that the process was given under that name as it executed
// its program, as far as that may be seen: a program may have written over them
// since, proc_pid_environ(5).
func (p *Process) Getenv(rd *Reader, name string) []string {
	var out []string
	for _, pair := range p.environ(rd) {
		if value, is := strings.CutPrefix(pair, name+"="); is {
			out = append(out, value)
		}
	}
	return out
}

// environ reads the environment of the process, and nothing of a successor to its
// number. It is the process's own memory that is read.
func (p *Process) environ(rd *Reader) []string {
	raw, err := rd.read(p.pid, "environ")
	if err != nil || p.Exited() {
		return nil
	}
	return splitCmdline(raw)
}
