package aliases

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A Readiness is how a server shows that it is ready: a kind, and for some an
// address behind it, tcp:127.0.0.1:8080.
type Readiness string

// The kinds of readiness.
const (
	ReadyStarted     = "started"      // it was executed
	ReadyStdoutClose = "stdout-close" // it closed its stdout and stderr
	ReadyPidfile     = "pidfile"      // it wrote its own pidfile
	ReadyNotify      = "notify"       // it sent READY=1 to $NOTIFY_SOCKET, sd_notify(3)
	ReadyTCP         = "tcp"          // tcp:HOST:PORT takes a connection
	ReadyUnix        = "unix"         // unix:PATH takes a connection
	ReadyHTTP        = "http"         // an http: URL answers, 2xx or 3xx
)

// Kind is what kind of readiness it is.
func (r Readiness) Kind() string {
	kind, _, _ := strings.Cut(string(r), ":")
	return kind
}

// Address is what stands behind the kind: HOST:PORT or PATH.
func (r Readiness) Address() string {
	_, address, _ := strings.Cut(string(r), ":")
	return address
}

// ready keeps the text, whose variables are filled in for each instance, once
// it is known to be right with those of the program.
func ready(p *Program, value string, scope Scope) error {
	text, err := scope.Expand(value)
	if err != nil {
		return err
	}
	if err := Readiness(text).check(); err != nil {
		return err
	}
	bound, err := scope.bind(value)
	p.Ready = Readiness(bound)
	return err
}

// maxAbstract is the longest abstract name that package unix can bind, its
// leading NUL included, in bytes: sun_path, unix(7), less one.
const maxAbstract = 107

// seamlessNotify keeps the name of an abstract socket, @ standing for NUL. The
// pid in it is known only when there is a process.
func seamlessNotify(p *Program, value string, scope Scope) error {
	name, err := scope.WithPID(strconv.Itoa(math.MaxInt32)).Expand(value)
	switch {
	case err != nil:
		return err
	case !strings.HasPrefix(name, "@") || len(name) < 2 || len(name) > maxAbstract:
		return fmt.Errorf("%q is no name of an abstract socket, @ and at most %d bytes", clip(value), maxAbstract-1)
	}
	p.SeamlessNotify, err = scope.expand(value, func(name string) bool { return name == "here" })
	return err
}

func (r Readiness) check() error {
	address := r.Address()
	switch r.Kind() {
	case ReadyStarted, ReadyStdoutClose, ReadyPidfile, ReadyNotify:
		if strings.Contains(string(r), ":") {
			return fmt.Errorf("%q takes no address", r.Kind())
		}
	case ReadyTCP:
		host, port, err := net.SplitHostPort(address)
		if _, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil {
			return fmt.Errorf("%q is not tcp:HOST:PORT", r)
		}
	case ReadyUnix:
		if !strings.HasPrefix(address, "/") {
			return fmt.Errorf("%q is not unix:/PATH", r)
		}
	case ReadyHTTP:
		if u, err := url.Parse(string(r)); err != nil || u.Host == "" {
			return fmt.Errorf("%q is no URL such as http://127.0.0.1:8080/healthcheck", r)
		}
	default:
		return fmt.Errorf("%q is not understood, it takes %s, %s, %s, %s, tcp:HOST:PORT, unix:/PATH or http://HOST:PORT/PATH",
			clip(string(r)), ReadyStarted, ReadyStdoutClose, ReadyPidfile, ReadyNotify)
	}
	return nil
}

// AddressConf is the kind of an address that the conf names, conf:HOSTKEY:PORTKEY:
// two keys of its [DEFAULT].
const AddressConf = "conf"

// address keeps where a server listens, as ready keeps its text.
func address(p *Program, value string, scope Scope) error {
	text, err := scope.Expand(value)
	if err != nil {
		return err
	}
	switch r := Readiness(text); r.Kind() {
	case ReadyTCP, ReadyUnix:
		err = r.check()
	default:
		host, port, ok := strings.Cut(r.Address(), ":")
		if r.Kind() != AddressConf || !ok || host == "" || port == "" || strings.Contains(port, ":") {
			err = fmt.Errorf("%q is none of tcp:HOST:PORT, unix:/PATH and conf:HOSTKEY:PORTKEY", clip(text))
		}
	}
	if err != nil {
		return err
	}
	bound, err := scope.bind(value)
	p.Address = Readiness(bound)
	return err
}

// FormatINI is the one syntax of confs that mgr understands: that of Python's
// configparser.
const FormatINI = "ini"

func confFormat(p *Program, value string, _ Scope) error {
	if value != FormatINI && value != "" {
		return fmt.Errorf("%q is not understood, it takes %s or nothing", clip(value), FormatINI)
	}
	p.ConfFormat = value
	return nil
}
