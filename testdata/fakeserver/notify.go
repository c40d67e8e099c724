package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
)

// notifyReady says that the server is ready, if it says such things.
func (s *server) notifyReady() error {
	switch s.notify {
	case "yes":
		return send(os.Getenv("NOTIFY_SOCKET"), "READY=1")
	case "swift":
		s.record("ready")
		s.say("READY=1")
	}
	return nil
}

// say is, for notify = swift, systemd_notify of Swift 2.35: to whoever listens at the process's own abstract name, as
// swift-reload does, and then to $NOTIFY_SOCKET. That nobody does is no failure.
func (s *server) say(message string) {
	if s.notify != "swift" {
		return
	}
	own := "\x00swift-notifications\x00" + strconv.Itoa(os.Getpid())
	for _, socket := range []string{own, os.Getenv("NOTIFY_SOCKET")} {
		if err := send(socket, message); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			s.record("notify failed: " + err.Error())
		}
	}
}

// send sends the one datagram of sd_notify(3); no socket, no datagram.
func send(socket, message string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(message))
	return err
}
