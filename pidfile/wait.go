package pidfile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A Waiter waits for descriptors to become readable, any number of them at the
// cost of those that do: epoll(7). A pidfd becomes readable when its process
// ends, a pipe when there is something to read or its last writer is gone.
type Waiter struct {
	epoll int
	wake  int // an eventfd(2) that ends the wait
	stop  func() bool
	woken chan struct{} // closed when the context's end has been passed on
}

// NewWaiter makes a Waiter whose Wait ends when ctx does.
func NewWaiter(ctx context.Context) (*Waiter, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	w := &Waiter{epoll: epoll, wake: wake, woken: make(chan struct{})}
	if err := w.Add(wake, -1); err != nil {
		w.Close()
		return nil, err
	}
	w.stop = context.AfterFunc(ctx, func() {
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		close(w.woken)
	})
	return w, nil
}

// Close ends the use of w. The descriptors that were added stay open.
func (w *Waiter) Close() {
	w.part()
	unix.Close(w.epoll)
	unix.Close(w.wake)
}

// GoOn has Wait wait as if its context had not ended, and were never to.
func (w *Waiter) GoOn() {
	w.part()
	var count [8]byte
	_, _ = unix.Read(w.wake, count[:]) // EAGAIN: it had not ended
}

// part parts from the context.
func (w *Waiter) part() {
	if w.stop != nil && !w.stop() {
		<-w.woken // or it would write to whatever gets the number next
	}
	w.stop = nil
}

// Add watches fd; Wait reports it as key, which is not negative.
func (w *Waiter) Add(fd, key int) error { return w.add(fd, key, unix.EPOLLIN) }

// AddHangup watches fd for the end of who reads it; Wait reports it as key. Of what
// nobody reads, a file say, nothing is to be watched.
func (w *Waiter) AddHangup(fd, key int) error {
	err := w.add(fd, key, 0) // EPOLLERR and EPOLLHUP are always told
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	return err
}

func (w *Waiter) add(fd, key int, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(key)}
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// Remove stops watching fd.
func (w *Waiter) Remove(fd int) {
	_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

// Wait waits until some of the descriptors are readable and gives their keys.
// None means that the deadline has passed (a zero deadline never does) or that
// the context has ended. A descriptor is reported as long as it is readable: a
// pidfd for ever, until it is removed.
func (w *Waiter) Wait(deadline time.Time) ([]int, error) {
	var events [128]unix.EpollEvent
	n, err := uninterrupted(func() (int, error) { return unix.EpollWait(w.epoll, events[:], timeout(deadline)) })
	if err != nil {
		return nil, fmt.Errorf("epoll_wait: %w", err)
	}
	keys := make([]int, 0, n)
	for _, ev := range events[:n] {
		if ev.Fd < 0 {
			return nil, nil
		}
		keys = append(keys, int(ev.Fd))
	}
	return keys, nil
}

// timeout is what is left until deadline in the milliseconds of epoll_wait(2),
// rounded up so that the deadline has passed when it runs out.
func timeout(deadline time.Time) int {
	if deadline.IsZero() {
		return -1
	}
	left := time.Until(deadline)
	if left <= 0 {
		return 0
	}
	return int(min((left-1)/time.Millisecond+1, 1<<30))
}
