package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/conftree"
	"mgr/pidfile"
)

// errOtherUser says that only root, or the server's user, can tell.
var errOtherUser = errors.New("only root, or the user that it runs as, can tell")

// OtherUser says whether only root could start the instance, or ask the kernel
// what its user may do: that is neither the caller nor is the caller root.
func (i *Instance) OtherUser() bool {
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	return err == nil && creds != nil && os.Geteuid() != 0
}

// UserText is the user that the instance is started as: its name, and "" for the
// caller.
func (i *Instance) UserText() string {
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	if err != nil || creds == nil {
		return ""
	}
	return pidfile.UserName(uint32(creds.UID))
}

// ConfReadable says why the conf cannot be read, by the caller or, as far as the
// kernel tells, by the server's user.
func (i *Instance) ConfReadable() error {
	info, err := openable(i.Conf)
	if errors.Is(err, fs.ErrPermission) && i.OtherUser() {
		return errOtherUser
	}
	if err != nil {
		return cause(err)
	}
	mode := uint32(unix.R_OK)
	if info.IsDir() {
		mode |= unix.X_OK
	}
	return i.may(i.Conf, mode)
}

// errNotRegular is said of what is neither a file nor a directory.
var errNotRegular = errors.New("not a regular file")

// openable opens a conf, a file or a directory, to see that the caller can, and
// gives what it is; errNotRegular if it is anything else.
func openable(conf string) (fs.FileInfo, error) {
	f, err := os.OpenFile(conf, os.O_RDONLY|unix.O_NONBLOCK, 0) // it may be a FIFO
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = errNotRegular
	}
	return info, err
}

// may says why the server's user may not use a file; errOtherUser where nobody can
// tell. Until it has given up root, if that is what it does itself, a server may
// what root may: then there is no user to ask for.
func (i *Instance) may(path string, mode uint32) error {
	creds, err := i.fleet.credentials(i.Program.User, i.Program.UserGroup)
	if err != nil || creds == nil {
		return nil
	}
	if i.OtherUser() {
		return errOtherUser
	}
	s := &stage{Creds: creds}
	if err := s.access(path, mode); err != nil {
		return fmt.Errorf("%w for user %s", err, pidfile.UserName(uint32(creds.UID)))
	}
	return nil
}

// CannotTell says whether err means that the caller may not know.
func CannotTell(err error) bool { return errors.Is(err, errOtherUser) }

// ConfSettings gives what the conf says in its [DEFAULT], where the profile tells
// its syntax, and what is wrong with that.
func (i *Instance) ConfSettings() (map[string]string, error) {
	return conftree.Settings(i.Conf, "DEFAULT")
}

// Executable says why the kernel would not execute the command at path, which is
// there: the program of its #! line is not, or it is none at all.
func (i *Instance) Executable(path string) error {
	if err := i.may(path, unix.X_OK); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil // it may be executed, and not read
	}
	defer f.Close()
	head := firstLine(f)
	rest, script := strings.CutPrefix(head, "#!")
	words := strings.Fields(rest)
	switch {
	case !script && !strings.HasPrefix(head, "\x7fELF"):
		return errors.New("neither a script with a #! line nor a program")
	case !script:
		return nil
	case len(words) == 0:
		return errors.New("its #! line names no interpreter")
	}
	if err := unix.Access(words[0], unix.X_OK); err != nil {
		return fmt.Errorf("its interpreter %q: %w", words[0], err)
	}
	return i.may(words[0], unix.X_OK)
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
// else ready. ok is false where neither tells, or processes of one program share it
// (SO_REUSEPORT). The error says what keeps it from
// being found out.
func (i *Instance) Listens() (l Listening, ok bool, err error) {
	key, value := "address", i.Program.Address
	if value == "" {
		key, value = "ready", i.Program.Ready
	}
	next := i.unit()
	next.Num++
	words, err := i.fleet.words(i.Program, []string{string(value)}, i.unit())
	other, err2 := i.fleet.words(i.Program, []string{string(value)}, next)
	if err := errors.Join(err, err2); err != nil {
		return l, false, err
	}
	if i.Program.Numbered() && words[0] == other[0] {
		return l, false, nil // they share it
	}
	r := aliases.Readiness(words[0])
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
	if port, ok := strings.CutPrefix(address, "localhost:"); ok {
		address = "127.0.0.1:" + port
	}
	l.Address, err = netip.ParseAddrPort(address)
	if err != nil {
		return l, false, fmt.Errorf("%q is no address with a number and a port", address)
	}
	return l, true, nil
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

// Shortages are the limits of the profile that the instance would not get if the
// caller started it.
func (i *Instance) Shortages() []LimitWarning {
	var out []LimitWarning
	for _, l := range i.Program.Limits {
		var have unix.Rlimit
		if unix.Getrlimit(l.Resource, &have) != nil || have.Max >= l.Value {
			continue
		}
		switch most := number("/proc/sys/fs/nr_open"); {
		case !mayRaiseLimits():
			out = append(out, LimitWarning{Key: l.Key, Want: l.Value, Max: have.Max, Err: "it takes CAP_SYS_RESOURCE to raise it"})
		case l.Resource == unix.RLIMIT_NOFILE && most > 0 && l.Value > most:
			out = append(out, LimitWarning{Key: l.Key, Want: l.Value, Max: have.Max, Err: fmt.Sprintf("fs.nr_open is %d", most)})
		}
	}
	return out
}

// mayRaiseLimits says whether the caller may raise hard limits: root may not in
// every container.
func mayRaiseLimits() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}

// A Space is what a file system has left.
type Space struct {
	Path     string // what was asked about: the directory, or the next one above it that is there
	ReadOnly bool
	Free     uint64 // bytes that the caller may use
	Size     uint64
	Inodes   uint64 // free ones
	Counted  bool   // it counts inodes
}

// SpaceAt asks the file system that dir is on, or would be, statfs(2).
func SpaceAt(dir string) (Space, error) {
	path, err := nearest(dir)
	if err != nil {
		return Space{}, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Space{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	s := Space{Path: path, ReadOnly: st.Flags&unix.ST_RDONLY != 0, Inodes: st.Ffree, Counted: st.Files > 0}
	blocks := st.Bavail
	if os.Geteuid() == 0 {
		blocks = st.Bfree // some are kept for root
	}
	s.Free, s.Size = blocks*uint64(st.Bsize), st.Blocks*uint64(st.Bsize)
	return s, nil
}

// LogDirs are the directories that the instance's logs are in, each once.
func (i *Instance) LogDirs() []string {
	logs, err := i.Logs()
	if err != nil {
		return nil
	}
	var dirs []string
	for _, l := range logs {
		if dir := filepath.Dir(l.Path); len(dirs) == 0 || dirs[len(dirs)-1] != dir {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
