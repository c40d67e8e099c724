package server

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"mgr/aliases"
)

// A Resolved is an instance as its profile describes it, with all variables
// filled in: what `list --json` prints.
type Resolved struct {
	Argv         []string          `json:"argv"`
	CheckCommand []string          `json:"checkcommand,omitempty"`
	Group        string            `json:"group_name"`
	Process      string            `json:"process_name"`
	User         string            `json:"user,omitempty"`
	UserGroup    string            `json:"group,omitempty"`
	DropsTo      string            `json:"drops_to,omitempty"`
	Directory    string            `json:"directory"`
	Umask        string            `json:"umask"`
	Nice         *int              `json:"nice,omitempty"`
	Environment  map[string]string `json:"environment"` // what is added to mgr's own
	Limits       map[string]uint64 `json:"limits"`
	Logs         map[string]string `json:"logs"`
	Forking      bool              `json:"forking"`
	Priority     int               `json:"priority"`
	Ready        string            `json:"ready"`
	ReadyWait    float64           `json:"readywaitsecs"`
	StartWait    float64           `json:"startsecs"`
	StartRetries int               `json:"startretries"`
	Stop         string            `json:"stopsignal"` // a schedule, SIGNAL/SECONDS/…
	Graceful     string            `json:"gracefulsignal,omitempty"`
	Reload       string            `json:"reloadsignal,omitempty"`
	Seamless     string            `json:"seamlesssignal,omitempty"`
	Notify       string            `json:"seamlessnotify,omitempty"` // %(pid)d stands for what the server will have
}

// Resolve fills in all variables of the instance's program.
func (i *Instance) Resolve() (*Resolved, error) {
	p := i.Program
	words := func(list ...string) ([]string, error) { return i.fleet.words(p, list, i.unit()) }
	r := &Resolved{
		Group: p.Group, Process: i.Process, User: p.User, UserGroup: p.UserGroup, DropsTo: p.DropsTo, Umask: fmt.Sprintf("%03o", p.Umask), Nice: p.Nice,
		Forking: p.Forking, Priority: p.Priority, ReadyWait: p.ReadyWait.Seconds(), StartWait: p.StartWait.Seconds(),
		StartRetries: p.StartRetries, Graceful: signalName(p.GracefulSignal), Reload: signalName(p.ReloadSignal),
		Stop:        stopSchedule(p),
		Seamless:    strings.Trim(signalName(p.SeamlessSignal)+"+"+signalName(p.RetireSignal), "+"),
		Environment: map[string]string{}, Limits: map[string]uint64{}, Logs: map[string]string{},
	}
	for _, l := range p.Limits {
		r.Limits[l.Key] = l.Value
	}
	var err error
	if r.Argv, err = words(p.Command...); err != nil {
		return nil, err
	}
	if r.CheckCommand, err = words(p.CheckCommand...); err != nil {
		return nil, err
	}
	more, err := words(p.Directory, string(p.Ready))
	if err != nil {
		return nil, err
	}
	r.Directory, r.Ready = more[0], more[1]
	if r.Notify, err = i.seamlessName("%(pid)d"); err != nil {
		return nil, err
	}
	logs, err := i.Logs()
	if err != nil {
		return nil, err
	}
	for _, l := range logs {
		r.Logs[l.Stream] = l.Path
	}
	for _, v := range p.Environment {
		if _, given := i.fleet.getenv(v.Name); given && v.Default {
			continue
		}
		value, err := words(v.Value)
		if err != nil {
			return nil, err
		}
		r.Environment[v.Name] = value[0]
	}
	return r, nil
}

// stopSchedule is how the program is stopped: SIGNAL/SECONDS, once or more often.
func stopSchedule(p *aliases.Program) string {
	steps := p.StopSteps
	if steps == nil {
		steps = []aliases.StopStep{{Signal: p.StopSignal, Wait: p.StopWait}}
	}
	var words []string
	for _, step := range steps {
		words = append(words, fmt.Sprintf("%s/%g", signalName(step.Signal), step.Wait.Seconds()))
	}
	return strings.Join(words, "/")
}

func signalName(sig unix.Signal) string {
	if sig == 0 {
		return ""
	}
	if name := unix.SignalName(sig); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return fmt.Sprint(int(sig)) // a real-time signal
}
