package manager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mgr/pidfile"
	"mgr/server"
)

// watch prints what servers take again and again, until ctx ends or nobody reads it
// any more: on a terminal in one place, elsewhere one block after the other.
func (v *statsView) watch(ctx context.Context, servers []*server.Server) error {
	m := v.m
	w, err := pidfile.NewWaiter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	m.listenTo(w)
	drawn := 0
	for next := time.Now(); ctx.Err() == nil; {
		lines := append([]line{{text: next.Format(time.RFC3339)}}, v.look(servers)...)
		if columns, rows := m.Console.size(); columns > 0 {
			drawn = m.Console.redraw(crop(lines, columns, rows), drawn)
		} else {
			m.Console.table(append(lines, line{}))
		}
		if m.Console.Broken() {
			return nil
		}
		if next = next.Add(m.Options.Watch); next.Before(time.Now()) {
			next = time.Now() // a look took longer
		}
		keys, err := w.Wait(next)
		if err != nil || slices.Contains(keys, keyHangup) {
			return err
		}
	}
	return nil
}

// crop cuts lines to what a screen holds, a row left for the cursor.
func crop(lines []line, columns, rows int) []line {
	if over := len(lines) - (rows - 1); over > 0 && rows > 2 {
		lines = append(slices.Clone(lines[:rows-2]), line{text: fmt.Sprintf("… and %d lines more", over+1)})
	}
	for n := range lines {
		lines[n].text = fit(lines[n].text, columns-1) // the last one would be erased with the rest
	}
	return lines
}

// size is that of the screen, which may change; 0, 0 if there is none on which lines
// can be drawn again.
func (c *Console) size() (columns, rows int) {
	t := c.screen.terminal
	if t.Columns == 0 || !t.Live {
		return 0, 0
	}
	if ws, err := unix.IoctlGetWinsize(c.fd, unix.TIOCGWINSZ); err == nil && ws.Col > 0 && ws.Row > 0 {
		return int(ws.Col), int(ws.Row)
	}
	return t.Columns, t.Rows
}

// redraw prints lines in the place of those that were drawn last, and gives how
// many they are now. The escape sequences are those of ECMA-48: CUU, EL, ED.
func (c *Console) redraw(lines []line, drawn int) int {
	if drawn > 0 {
		c.Print(fmt.Sprintf("\x1b[%dA", drawn))
	}
	for _, l := range lines {
		c.Print(strings.TrimSuffix(c.painted(l), "\n") + "\x1b[K\n")
	}
	c.Print("\x1b[J")
	return len(lines)
}
