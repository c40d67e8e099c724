package manager

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Terminal is what stdout and stderr are, if they are one. The zero value is none.
type Terminal struct {
	Columns, Rows int  // of stdout; 0: it is no terminal
	Live          bool // a line may come and go there: both are one, and it understands how
	// Now gives the columns as of now, 0 while mgr is in the background; nil: as they
	// were.
	Now func() int
}

// columns are those of now.
func (t *Terminal) columns() int {
	if t.Now == nil {
		return t.Columns
	}
	return t.Now()
}

// A progress is what a command waits for at a moment.
type progress struct {
	Doing       string // "stopping"
	Done, Total int
	Who         string // one of those that are left
	Since       time.Time
	Limit       time.Duration // 0: there is none
}

// String is the progress in words, as of now.
func (p progress) String() string {
	var b strings.Builder
	b.WriteString(p.Doing)
	if p.Total > 0 {
		fmt.Fprintf(&b, " %d/%d", p.Done, p.Total)
	}
	if p.Who != "" {
		b.WriteString("  " + printable(p.Who))
	}
	if !p.Since.IsZero() {
		fmt.Fprintf(&b, "  %.0f s", time.Since(p.Since).Seconds())
		if p.Limit > 0 {
			fmt.Fprintf(&b, " of %s s", seconds(p.Limit))
		}
	}
	return b.String()
}

// The pauses before the first time that the live line is drawn, and between two: a
// command that is quick is not to flicker.
const (
	firstDraw = 400 * time.Millisecond
	nextDraw  = time.Second
)

// A screen is a terminal with one live line at the bottom, which gives way to
// whatever is printed.
type screen struct {
	terminal Terminal
	w        io.Writer // where the line goes

	mu     sync.Mutex // since the line is drawn by a goroutine: whoever waits does nothing else
	now    progress
	begun  bool          // the line was drawn, and is again and again until it is hidden
	drawn  int           // how many columns it took when it was drawn; 0: it is not shown
	done   chan struct{} // ends the goroutine; nil: there is none
	minded bool          // signals are, see mind
}

// What erases the line, and what it has become on a terminal that is narrower by now and
// that has broken it: the cursor stands at its beginning. ECMA-48, EL and ED.
const (
	eraseLine  = "\r\x1b[K"
	eraseBelow = "\r\x1b[J"
)

// over gives a writer to w before whose output the live line goes away.
func (s *screen) over(w io.Writer) io.Writer { return overWriter{s, w} }

type overWriter struct {
	s *screen
	w io.Writer
}

func (o overWriter) Write(text []byte) (int, error) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.erase()
	return o.w.Write(text)
}

// erase removes the line. The lock is held.
func (s *screen) erase() {
	if s.drawn > 0 {
		io.WriteString(s.w, s.eraser(s.terminal.columns()))
		s.drawn = 0
	}
}

// eraser is what erases the line where there are so many columns by now, 0 for mgr in the
// background: what stands there then is somebody else's.
func (s *screen) eraser(columns int) string {
	switch {
	case columns == 0:
		return ""
	case s.drawn > columns:
		return eraseBelow
	}
	return eraseLine
}

// show says what the line is to tell from now on.
func (s *screen) show(p progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = p
	if s.done == nil {
		s.done = make(chan struct{})
		go s.draw(s.done)
	}
}

// draw draws the line until done is closed. It is a goroutine since the seconds in
// it go on while everything waits.
func (s *screen) draw(done <-chan struct{}) {
	timer := time.NewTimer(firstDraw)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-timer.C:
			s.tick(done)
			timer.Reset(nextDraw)
		}
	}
}

// tick draws the line, unless done has been closed.
func (s *screen) tick(done <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-done:
		return
	default:
	}
	if !s.minded {
		s.minded = true
		go s.mind(minded()) // for a signal comes whatever mgr is doing
	}
	s.begun = true
	s.redraw()
}

// redraw draws the line. The lock is held.
func (s *screen) redraw() {
	columns := s.terminal.columns()
	erase, text := s.eraser(columns), ""
	if columns > 0 {
		text = fit(s.now.String(), columns-1)
		io.WriteString(s.w, erase+text+"\r")
	}
	s.drawn = width(text)
}

// hide removes the line, and ends its goroutine.
func (s *screen) hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.begun = false
	if s.done != nil {
		close(s.done)
		s.done = nil
	}
}

// waiting shows, on a terminal and while nothing else is printed, what the command
// waits for.
func (c *Console) waiting(p progress) {
	if c.live() {
		c.Flush()
		c.screen.show(p)
	}
}

// live says whether anybody would see it: a progress is not worth making otherwise.
func (c *Console) live() bool { return c.screen.terminal.Live && !c.silent }

// waited ends what waiting began.
func (c *Console) waited() {
	if c.live() {
		c.screen.hide()
	}
}
