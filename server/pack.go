package server

import (
	"errors"
	"strconv"
	"strings"
)

// errPacked says that a text is not what pack made.
var errPacked = errors.New("not a packed stage")

// A codec goes over the fields of a stage, one after the other: it writes what is
// there, or it reads and puts it there. encoding/json would do the same in a tenth
// of the time that a stage takes in all.
type codec interface {
	text(*string)
	number(*int)
	long(*uint64)
}

// pack makes a text of the stage that can stand in an environment.
func (s *stage) pack() string {
	var w packer
	s.code(&w)
	return string(w)
}

// unpack is the way back.
func (s *stage) unpack(text string) error {
	r := unpacker{left: text}
	s.code(&r)
	if r.bad || r.left != "" {
		return errPacked
	}
	return nil
}

// code has the fields in their order.
func (s *stage) code(c codec) {
	c.text(&s.Path)
	c.text(&s.Pidfile)
	c.text(&s.Dir)
	c.text(&s.Chdir)
	c.text(&s.Procs)
	c.number(&s.Umask)
	optional(c, &s.Nice, func(n *int) { c.number(n) })
	list(c, &s.Limits, func(l *stageLimit) {
		c.text(&l.Name)
		c.number(&l.Resource)
		c.long(&l.Value)
		truth(c, &l.Exactly)
		truth(c, &l.AtLeast)
	})
	list(c, &s.Logs, func(l *stageLog) {
		c.number(&l.FD)
		c.text(&l.Path)
		truth(c, &l.Null)
		truth(c, &l.Same)
	})
	optional(c, &s.Creds, func(creds *credentials) {
		c.number(&creds.UID)
		c.number(&creds.GID)
		list(c, &creds.Groups, c.number)
	})
}

func truth(c codec, is *bool) {
	n := 0
	if *is {
		n = 1
	}
	c.number(&n)
	*is = n == 1
}

// maxItems bounds a list: as many as a process may have groups (NGROUPS_MAX).
const maxItems = 1 << 16

func list[T any](c codec, items *[]T, each func(*T)) {
	n := len(*items)
	c.number(&n)
	if n != len(*items) {
		*items = make([]T, min(max(n, 0), maxItems))
	}
	for k := range *items {
		each(&(*items)[k])
	}
}

func optional[T any](c codec, p **T, each func(*T)) {
	there := *p != nil
	truth(c, &there)
	if !there {
		return
	}
	if *p == nil {
		*p = new(T)
	}
	each(*p)
}

// A packer writes numbers with a blank behind them, and texts behind their lengths.
type packer []byte

func (w *packer) text(t *string) {
	n := len(*t)
	w.number(&n)
	*w = append(*w, *t...)
}

func (w *packer) number(n *int) { *w = append(strconv.AppendInt(*w, int64(*n), 10), ' ') }

func (w *packer) long(n *uint64) { *w = append(strconv.AppendUint(*w, *n, 10), ' ') }

// An unpacker reads what a packer has written.
type unpacker struct {
	left string
	bad  bool
}

func (r *unpacker) word() string {
	word, left, ok := strings.Cut(r.left, " ")
	r.left, r.bad = left, r.bad || !ok
	return word
}

func (r *unpacker) text(t *string) {
	var n int
	r.number(&n)
	if n < 0 || n > len(r.left) {
		r.bad = true
		return
	}
	*t, r.left = r.left[:n], r.left[n:]
}

func (r *unpacker) number(n *int) {
	var err error
	*n, err = strconv.Atoi(r.word())
	r.bad = r.bad || err != nil
}

func (r *unpacker) long(n *uint64) {
	var err error
	*n, err = strconv.ParseUint(r.word(), 10, 64)
	r.bad = r.bad || err != nil
}
