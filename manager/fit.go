package manager

import (
	"errors"
	"fmt"
)

// fitReport is Fit for the options of what reports and may not end by itself.
func (o Options) fitReport(cmd Command) error {
	switch {
	case o.Follow && !cmd.lines:
		return fmt.Errorf("--follow is for logs, not for %s", cmd.Name)
	case o.Lines != nil && !cmd.lines:
		return fmt.Errorf("--lines is for logs, not for %s", cmd.Name)
	case o.Watch > 0 && !cmd.watches:
		return fmt.Errorf("--watch is for stats, not for %s", cmd.Name)
	case o.Follow && o.JSON:
		return errors.New("--follow and --json exclude each other: a document has an end")
	case o.Watch > 0 && o.JSON:
		return errors.New("--watch and --json exclude each other: a document has an end")
	case o.Watch > 0 && o.Quiet:
		return errors.New("--watch and --quiet exclude each other: there would be nothing to see")
	}
	return nil
}

// Stays says whether the options have a command go on until it is interrupted.
func (o Options) Stays() bool { return o.Follow || o.Watch > 0 }

// AboutLines says whether the command takes a number of lines.
func (c Command) AboutLines() bool { return c.lines }
