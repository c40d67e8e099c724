package server

import (
	"net/netip"
	"strings"

	"mgr/aliases"
)

// Address is where the instance itself will listen, as far as its readiness
// tells: tcp:HOST:PORT, with HOST a number or localhost. A URL may lead to it
// through another server, and processes of one program may share an address
// (SO_REUSEPORT).
func (i *Instance) Address() (netip.AddrPort, bool) {
	if i.Program.Ready.Kind() != aliases.ReadyTCP {
		return netip.AddrPort{}, false
	}
	next := i.unit()
	next.Num++
	words, err := i.fleet.words(i.Program, []string{string(i.Program.Ready)}, i.unit())
	other, err2 := i.fleet.words(i.Program, []string{string(i.Program.Ready)}, next)
	if err != nil || err2 != nil || i.Program.Numbered() && words[0] == other[0] {
		return netip.AddrPort{}, false
	}
	address := aliases.Readiness(words[0]).Address()
	if port, ok := strings.CutPrefix(address, "localhost:"); ok {
		address = "127.0.0.1:" + port
	}
	at, err := netip.ParseAddrPort(address)
	return at, err == nil
}
