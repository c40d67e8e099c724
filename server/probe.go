package server

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/pidfile"
)

// The pauses between two tries to reach a server: the kernel has no event for
// a socket that starts to listen.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 200 * time.Millisecond
	oneTry     = 2 * time.Second // for one connection or request
)

// prepare makes what it takes to see the server become ready, and gives what is
// to be added to its environment. It is called before the launch, so that
// nothing is missed. A server that notifies is told where, whoever waits: a
// later mgr may.
func (c *Child) prepare() ([]string, error) {
	if err := c.watchPidfile(); err != nil {
		return nil, err
	}
	if c.mode.test || c.Instance.Program.Ready.Kind() != aliases.ReadyNotify {
		return nil, nil
	}
	if c.mode.NoWait || c.mode.Foreground || c.mode.Once {
		return []string{"NOTIFY_SOCKET=" + notifyName(c.Instance.Pidfile, "")}, nil
	}
	name, err := c.listen()
	return []string{"NOTIFY_SOCKET=" + name}, err
}

// startProbe tries, until ctx ends or c is released, to reach the server that
// was launched: a byte comes through a pipe once it was reached, and the end of the
// pipe alone if nobody tries any more. It does nothing for servers whose readiness is
// seen otherwise.
func (c *Child) startProbe(ctx context.Context) error {
	if c.mode.NoWait || c.mode.Foreground || c.mode.Once || c.mode.test {
		return nil
	}
	text, err := c.Instance.fleet.words(c.Instance.Program, []string{string(c.Instance.Program.Ready)}, c.Instance.unit())
	if err != nil {
		return err
	}
	try := reach(aliases.Readiness(text[0]))
	if try == nil {
		return nil
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	c.probing, c.unreached = pipe[0], new(atomic.Pointer[error])
	ctx, c.unprobe = context.WithCancel(ctx)
	// A goroutine for each, since a try may block for as long as its peer likes.
	go func() {
		defer unix.Close(pipe[1])
		if c.probe(ctx, try) {
			_, _ = unix.Write(pipe[1], []byte{1})
		}
	}()
	return nil
}

// probe tries until it succeeds, or ctx ends, and says whether it has succeeded.
func (c *Child) probe(ctx context.Context, try func(context.Context) error) bool {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := try(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() == nil { // or it was broken off
			c.unreached.Store(&err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// probed takes what the probe says: it has ended.
func (l *Launches) probed(c *Child) {
	if c.probing < 0 {
		return
	}
	var said [1]byte
	n, _ := unix.Read(c.probing, said[:])
	c.reached = n > 0
	l.drop(&c.probing)
}

// Unreached is why the last try to reach the server failed; nil if there was none, or
// nothing is to be reached.
func (c *Child) Unreached() error {
	if c.unreached == nil {
		return nil
	}
	err := c.unreached.Load()
	if err == nil {
		return nil
	}
	return *err
}

// reach gives what tries to reach a server of that readiness; nil if nothing
// is to be reached.
func reach(r aliases.Readiness) func(context.Context) error {
	address := r.Address()
	switch r.Kind() {
	case aliases.ReadyTCP:
		return dial("tcp", address)
	case aliases.ReadyUnix:
		return dialUnix(address)
	case aliases.ReadyHTTP:
		return func(ctx context.Context) error { return get(ctx, string(r)) }
	}
	return nil
}

func dial(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		d := net.Dialer{Timeout: oneTry}
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// dialUnix connects to a socket of any type: syslog's takes datagrams.
func dialUnix(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		err := dial("unix", path)(ctx)
		for _, network := range []string{"unixgram", "unixpacket"} {
			if !errors.Is(err, unix.EPROTOTYPE) {
				break
			}
			err = dial(network, path)(ctx)
		}
		return err
	}
}

// get requests url; a server is ready if it answers with 2xx or 3xx. It does without
// package net/http, which is as large as the rest of mgr, and would be initialized
// whenever mgr is run.
func get(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	auth := ""
	if u.User != nil {
		password, _ := u.User.Password()
		auth = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)) + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mgr\r\n%sConnection: close\r\n\r\n", u.RequestURI(), u.Host, auth)
	if err != nil {
		return err
	}
	code, err := answer(bufio.NewReader(conn))
	if err == nil && code >= 400 {
		err = fmt.Errorf("%s: status %d", u.Redacted(), code)
	}
	return err
}

// answer reads the status code of an HTTP/1 response, and passes over those that
// only announce it, 1xx (RFC 9112, section 4; RFC 9110, section 15.2).
func answer(r *bufio.Reader) (int, error) {
	for headers := false; ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("no answer in HTTP: %w", err)
		}
		if headers {
			headers = len(bytes.TrimRight(line, "\r\n")) > 0
			continue
		}
		version, rest, _ := strings.Cut(string(line), " ")
		code, err := strconv.Atoi(rest[:min(len(rest), 3)])
		if err != nil || !strings.HasPrefix(version, "HTTP/1.") || code < 100 {
			return 0, fmt.Errorf("no answer in HTTP: %.40q", line)
		}
		if code >= 200 {
			return code, nil
		}
		headers = true
	}
}

// trusts says whether a notification is from the server, or from a process that
// may speak for it: root's, one of the user that it runs as, or one of its
// children, whoever they run as.
func (c *Child) trusts(cred *unix.Ucred) bool {
	if cred.Uid == 0 || int(cred.Pid) == c.Process.PID() {
		return true
	}
	if uid, err := pidfile.UID(c.Process.PID()); err == nil && uid == cred.Uid {
		return true
	}
	parent, err := pidfile.Parent(int(cred.Pid))
	return err == nil && parent == c.Process.PID()
}
