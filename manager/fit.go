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
	case o.Follow && o.JSON:
		return errors.New("--follow and --json exclude each other: a document has an end")
	}
	return nil
}

// Stays says whether the options have a command go on until it is interrupted.
func (o Options) Stays() bool { return o.Follow }

// AboutLines says whether the command takes a number of lines.
func (c Command) AboutLines() bool { return c.lines }
