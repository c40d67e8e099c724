package server

import (
	"bufio"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAnswer(t *testing.T) {
	tests := []struct {
		text string
		code int // 0: no answer
	}{
		{"HTTP/1.1 200 OK\r\n", 200},
		{"HTTP/1.0 204\r\n", 204},
		{"HTTP/1.1 302 Found\nLocation: /\n\n", 302},
		{"HTTP/1.1 503 Service Unavailable\r\n", 503},
		{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\n", 404},
		{"HTTP/1.1 100\n\n", 0},
		{"HTTP/1.1 200 OK", 0},
		{"HTTP/1.1 -20 OK\r\n", 0},
		{"HTTP/1.1 2x0 OK\r\n", 0},
		{"HTTP/1.1\r\n", 0},
		{"HTTP/2 200\r\n", 0},
		{"SSH-2.0-demo\r\n", 0},
		{"\n", 0},
		{"", 0},
		{strings.Repeat("x", 100_000) + "\n", 0},
	}
	for _, tt := range tests {
		if code, err := answer(bufio.NewReader(strings.NewReader(tt.text))); code != tt.code || (err == nil) != (tt.code > 0) {
			t.Errorf("%.60q: %d, %v, want %d", tt.text, code, err, tt.code)
		}
	}
}

// TestDialUnix: a socket of any type that somebody has bound is reached, syslog's too.
func TestDialUnix(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		path := filepath.Join(t.TempDir(), "s")
		if dialUnix(path)(t.Context()) == nil {
			t.Errorf("%d: reached before it was there", typ)
		}
		fd, err := unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
		}
		if err == nil && typ != unix.SOCK_DGRAM {
			err = unix.Listen(fd, 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := dialUnix(path)(t.Context()); err != nil {
			t.Errorf("%d: %v", typ, err)
		}
		unix.Close(fd)
		if dialUnix(path)(t.Context()) == nil {
			t.Errorf("%d: reached when nobody had it any more", typ)
		}
	}
}

func TestGet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	url := "http://demo:secret@" + l.Addr().String() + "/health?x=%20y"
	host := l.Addr().String()
	want := "GET /health?x=%20y HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: mgr\r\nAuthorization: Basic ZGVtbzpzZWNyZXQ=\r\nConnection: close\r\n\r\n"
	for _, answer := range []string{"HTTP/1.1 301 Moved\r\n\r\n", "HTTP/1.1 500 No\r\n\r\n"} {
		asked := make(chan string, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			text := make([]byte, len(want))
			n, _ := bufio.NewReader(conn).Read(text)
			asked <- string(text[:n])
			_, _ = conn.Write([]byte(answer))
		}()
		err := get(t.Context(), url)
		if got := <-asked; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		if ready := strings.Contains(answer, "301"); (err == nil) != ready {
			t.Errorf("%q: %v", answer, err)
		}
	}
	l.Close()
	if get(t.Context(), url) == nil {
		t.Error("nobody answers, and it is ready")
	}
}
