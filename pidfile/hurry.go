package pidfile

import "time"

// This file is about a Reader whose caller is to end: who has pressed Ctrl-C does not
// want to see all that hangs waited for.

// Heed has the Reader hurry once interrupt is closed; nil: never, or no more. What
// is being waited for then, and each read from then on, gets an eighth of Patience at
// the most. When as much has been spent on what does not come, nothing is read any more
// of users of whose processes one is blocked, and when all of Patience has, only of
// root's and the caller's own. The others get an eighth of an eighth.
func (rd *Reader) Heed(interrupt <-chan struct{}) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.interrupt, rd.hurried = interrupt, 0
}

// hurries says whether the interrupt has come. The caller holds the mutex.
func (rd *Reader) hurries() bool {
	select {
	case <-rd.interrupt:
		return true
	default:
		return false
	}
}

// inHurry is hurries for who does not hold the mutex, or has no Reader.
func (rd *Reader) inHurry() bool {
	if rd == nil {
		return false
	}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return rd.hurries()
}

// gaveUp says whether nothing is read any more, in a hurry, of a user so many of whose
// reads were left behind. own are root and the caller.
func (rd *Reader) gaveUp(behind int, own bool) bool {
	return rd.hurries() && (behind > 0 && rd.hurried >= rd.Glances() || !own && rd.hurried >= rd.patience())
}

// A pause is how long to wait for a read.
type pause struct {
	wait      time.Duration
	interrupt <-chan struct{} // from then on it is no more than most; nil: that is so already, or never
	most      time.Duration
}

// pause gives the wait, or less of it in a hurry. The caller holds the mutex.
func (rd *Reader) pause(wait time.Duration) pause {
	most := min(wait, rd.Glances())
	if !rd.hurries() {
		return pause{wait, rd.interrupt, most}
	}
	if rd.hurried >= rd.Glances() {
		most = min(wait, rd.Glances()/nextPatience)
	}
	return pause{wait: most}
}

// await waits until done is closed, and says whether it was.
func (p pause) await(done <-chan struct{}) bool {
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	for interrupt := p.interrupt; ; {
		select {
		case <-done:
			return true
		case <-interrupt:
			interrupt = nil
			timer.Reset(p.most)
		case <-timer.C:
			select {
			case <-done: // both are so where mgr itself was stopped meanwhile
				return true
			default:
				return false
			}
		}
	}
}
