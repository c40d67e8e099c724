package aliases

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopSignal reads one signal, or a schedule as start-stop-daemon(8)'s --retry
// has them: QUIT/30/TERM/10/KILL/5, signals each with the seconds to wait for
// the end. Without a number behind it the last signal waits for stopwaitsecs.
func stopSignal(p *Program, value string, _ Scope) error {
	parts := strings.Split(value, "/")
	if len(parts) == 1 {
		sig, err := parseSignal(value)
		if err != nil {
			return err
		}
		p.StopSignal, p.StopSteps = sig, nil
		return nil
	}
	var steps []StopStep
	for n := 0; n < len(parts); n += 2 {
		sig, err := parseSignal(strings.TrimPrefix(parts[n], "-"))
		if err != nil {
			return fmt.Errorf("%q: %w; a schedule is SIGNAL/SECONDS/SIGNAL/SECONDS", clip(value), err)
		}
		step := StopStep{Signal: sig, Wait: -1}
		if n+1 < len(parts) {
			if step.Wait, err = ParseSeconds(parts[n+1]); err != nil {
				return fmt.Errorf("%q: %w; a schedule is SIGNAL/SECONDS/SIGNAL/SECONDS", clip(value), err)
			}
		}
		if n > 0 && steps[len(steps)-1].Signal == unix.SIGKILL {
			return fmt.Errorf("%q: nothing comes after KILL", clip(value))
		}
		steps = append(steps, step)
	}
	p.StopSignal, p.StopSteps = steps[0].Signal, steps
	return nil
}

// seamlessSignal reads one signal, or two: USR2+QUIT asks the server to start a
// successor, and then retires it.
func seamlessSignal(p *Program, value string, _ Scope) error {
	first, second, two := strings.Cut(value, "+")
	sig, err := parseSignal(strings.TrimSpace(first))
	if err != nil {
		return err
	}
	p.SeamlessSignal, p.RetireSignal = sig, 0
	if two {
		p.RetireSignal, err = parseSignal(strings.TrimSpace(second))
	}
	return err
}

// parseSignal reads TERM, SIGTERM or 15.
func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n >= 1 && n <= 64 {
			return syscall.Signal(n), nil
		}
		return 0, fmt.Errorf("there is no signal %d", n)
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("there is no signal %q", clip(s))
}

func signal(dst func(*Program) *syscall.Signal) setter {
	return func(p *Program, value string, _ Scope) error {
		sig, err := parseSignal(value)
		if err != nil {
			return err
		}
		*dst(p) = sig
		return nil
	}
}
