package server

import "time"

// Until waits until done is true of every child, and calls each once with every child
// of which it is. A child's time is up when limit has passed since its start (0: never).
// Until gives up on those that are left, and returns them, when the time of all of them
// is up, or when the context ends. Only children to which something happened are looked
// at again, so that the cost grows with their number, and not with its square; all are
// when one comes due.
func (l *Launches) Until(done func(*Child) bool, limit func(*Child) time.Duration, each func(*Child)) ([]*Child, error) {
	w := wait{done: done, limit: limit, each: each, pending: make(map[*Child]bool, len(l.Children)), inTime: len(l.Children)}
	for _, c := range l.Children {
		w.pending[c] = true
	}
	for touched := l.Children; ; {
		now := time.Now() // before the look: what comes due while it lasts is due after it
		if len(touched) == 0 || passed(w.due, now) {
			touched, w.due = l.among(w.pending), time.Time{}
		}
		for _, c := range touched {
			l.revisit(c, now)
			w.look(c, now)
		}
		if w.inTime == 0 || l.ctx.Err() != nil {
			return l.among(w.pending), nil
		}
		var err error
		if touched, err = l.step(w.due); err != nil {
			return l.among(w.pending), err
		}
	}
}

// A wait is what one call of Until knows.
type wait struct {
	done    func(*Child) bool
	limit   func(*Child) time.Duration
	each    func(*Child)
	pending map[*Child]bool // value: it has time left
	inTime  int             // of those that are pending
	due     time.Time       // when all have to be looked at again; zero: never
}

// look sees whether the wait for c is over, or when to look again.
func (w *wait) look(c *Child, now time.Time) {
	inTime, is := w.pending[c]
	if !is {
		return
	}
	at := c.wakeAt(w.limit(c), now)
	switch {
	case w.done(c):
		delete(w.pending, c)
		w.each(c)
	case passed(at, now):
		w.pending[c] = false
	default:
		w.due = sooner(w.due, at)
		return
	}
	if inTime {
		w.inTime--
	}
}

// among gives the pending children in the order of their start.
func (l *Launches) among(pending map[*Child]bool) []*Child {
	var out []*Child
	for _, c := range l.Children {
		if _, is := pending[c]; is {
			out = append(out, c)
		}
	}
	return out
}

// passed says whether a moment has come; a zero one never does.
func passed(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// sooner is the first of two moments, of which a zero one never comes.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
