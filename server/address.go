package server

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"mgr/aliases"
)

// Address is where the instance itself will listen, as far as its readiness
// tells: tcp:HOST:PORT, with HOST a number or localhost. A URL may lead to it
// through another server.
func (i *Instance) Address() (netip.AddrPort, bool) {
	if i.Program.Ready.Kind() != aliases.ReadyTCP {
		return netip.AddrPort{}, false
	}
	ready, own, err := i.fill(i.Program.Ready)
	if err != nil || !own {
		return netip.AddrPort{}, false
	}
	at, err := parseAddress(ready.Address())
	return at, err == nil
}

// fill fills in the variables of a readiness. It is not the instance's own where
// processes of one program share an address (SO_REUSEPORT).
func (i *Instance) fill(r aliases.Readiness) (filled aliases.Readiness, own bool, err error) {
	next := i.unit()
	next.Num++
	words, err := i.fleet.words(i.Program, []string{string(r)}, i.unit())
	other, err2 := i.fleet.words(i.Program, []string{string(r)}, next)
	if err := errors.Join(err, err2); err != nil {
		return "", false, err
	}
	return aliases.Readiness(words[0]), !i.Program.Numbered() || words[0] != other[0], nil
}

// parseAddress reads HOST:PORT, with HOST a number or localhost.
func parseAddress(text string) (netip.AddrPort, error) {
	if port, ok := strings.CutPrefix(text, "localhost:"); ok {
		text = "127.0.0.1:" + port
	}
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		err = fmt.Errorf("%q is no address with a number and a port", text)
	}
	return at, err
}

// A Listening is where an instance listens: at a TCP address or a Unix socket.
type Listening struct {
	Address netip.AddrPort
	Path    string
	Told    string // by whom: a key of the profile, or of the conf
}

func (l Listening) String() string {
	if l.Path != "" {
		return l.Path
	}
	return l.Address.String()
}

// Listens gives where the profile says that the instance listens: address, or
// else ready. ok is false where neither tells, or where it is not the instance's own.
// The error says what keeps it from being found out.
func (i *Instance) Listens() (l Listening, ok bool, err error) {
	key, value := "address", i.Program.Address
	if value == "" {
		key, value = "ready", i.Program.Ready
	}
	r, own, err := i.fill(value)
	if err != nil || !own {
		return l, false, err
	}
	l.Told = key
	address := r.Address()
	switch r.Kind() {
	case aliases.ReadyUnix:
		l.Path = address
		return l, true, nil
	case aliases.AddressConf:
		if address, ok, err = i.confAddress(address); !ok || err != nil {
			return l, false, err
		}
		l.Told = "conf"
	case aliases.ReadyTCP:
	default:
		return l, false, nil
	}
	l.Address, err = parseAddress(address)
	return l, err == nil, err
}

// confAddress reads two keys of the conf, HOSTKEY:PORTKEY. Without a host it is
// any.
func (i *Instance) confAddress(keys string) (address string, ok bool, err error) {
	settings, err := i.ConfSettings()
	if err != nil {
		return "", false, err
	}
	hostKey, portKey, _ := strings.Cut(keys, ":")
	host, port := strings.Trim(settings[hostKey], "[]"), settings[portKey]
	if port == "" {
		return "", false, nil
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port, true, nil
}
