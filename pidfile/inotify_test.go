package pidfile

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// encode is an inotify_event as the kernel makes it, padded by so much.
func encode(e Event, pad int) []byte {
	buf := make([]byte, unix.SizeofInotifyEvent, unix.SizeofInotifyEvent+len(e.Name)+pad)
	binary.NativeEndian.PutUint32(buf, uint32(int32(e.Watch)))
	binary.NativeEndian.PutUint32(buf[4:], e.Mask)
	binary.NativeEndian.PutUint32(buf[12:], uint32(len(e.Name)+pad))
	return append(append(buf, e.Name...), make([]byte, pad)...)
}

func TestParseEvents(t *testing.T) {
	create := Event{Watch: 3, Mask: unix.IN_CREATE, Name: "x.log"}
	modify := Event{Watch: 4, Mask: unix.IN_MODIFY}
	overflow := Event{Watch: -1, Mask: unix.IN_Q_OVERFLOW}
	all := append(append(encode(create, 11), encode(modify, 0)...), encode(overflow, 0)...)
	for _, tt := range []struct {
		raw  []byte
		want []Event
	}{
		{nil, nil},
		{all, []Event{create, modify, overflow}},
		{all[:len(all)-1], []Event{create, modify}},
		{encode(create, 0), []Event{create}},
		{encode(create, 0)[:20], nil},
		{[]byte("fifteen bytes.."), nil},
	} {
		if diff := cmp.Diff(tt.want, ParseEvents(tt.raw)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tt.raw, diff)
		}
	}
	if !overflow.Overflow() || modify.Overflow() {
		t.Error("overflow is not told")
	}
}

// FuzzParseEvents: what is read is what it would be made of, and never more.
func FuzzParseEvents(f *testing.F) {
	f.Add(encode(Event{Watch: 1, Mask: unix.IN_MOVED_TO, Name: "a"}, 15))
	f.Add(append(encode(Event{Watch: 1, Mask: unix.IN_MODIFY}, 0), 1, 2, 3))
	f.Add(encode(Event{Watch: -1, Mask: unix.IN_Q_OVERFLOW}, 0))
	f.Add([]byte("\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var again []byte
		events := ParseEvents(raw)
		for _, e := range events {
			again = append(again, encode(e, 0)...)
		}
		if len(again) > len(raw) {
			t.Fatalf("%d bytes of %d", len(again), len(raw))
		}
		if diff := cmp.Diff(events, ParseEvents(again)); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}
