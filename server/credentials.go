package server

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// credentials is lookupCredentials, asked once for each pair of names.
func (f *Fleet) credentials(name, group string) (*credentials, error) {
	key := [2]string{name, group}
	if c, ok := f.creds[key]; ok {
		return c, nil
	}
	c, err := lookupCredentials(name, group)
	if err != nil {
		return nil, err
	}
	if f.creds == nil {
		f.creds = map[[2]string]*credentials{}
	}
	f.creds[key] = c
	return c, nil
}

// lookupCredentials finds the ids of a user, and of a group if it is not the
// user's own; nil if neither is named.
func lookupCredentials(name, group string) (*credentials, error) {
	if name == "" && group == "" {
		return nil, nil
	}
	c := &credentials{UID: os.Getuid(), GID: os.Getgid()}
	if name != "" {
		u, err := lookupUser(name)
		if err != nil {
			return nil, err
		}
		groups, err := u.GroupIds()
		if err != nil {
			return nil, err
		}
		ids := make([]int, 0, len(groups)+2)
		for _, s := range append([]string{u.Uid, u.Gid}, groups...) {
			id, err := strconv.Atoi(s)
			if err != nil {
				return nil, fmt.Errorf("user %q: id %q: %w", name, s, err)
			}
			ids = append(ids, id)
		}
		c.UID, c.GID, c.Groups = ids[0], ids[1], ids[2:]
	}
	if group != "" {
		var err error
		if c.GID, err = lookupGroup(group); err != nil {
			return nil, err
		}
	}
	if c.UID == os.Getuid() && c.GID == os.Getgid() && os.Getuid() != 0 {
		return nil, nil // we are that user, and could not set groups anyway
	}
	return c, nil
}

// lookupUser finds a user by name, or by number.
func lookupUser(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if _, bad := strconv.ParseUint(name, 10, 31); err != nil && bad == nil {
		u, err = user.LookupId(name)
	}
	if errors.As(err, new(user.UnknownUserError)) || errors.As(err, new(user.UnknownUserIdError)) {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	return u, err
}

// lookupGroup finds a group by name, or takes its number.
func lookupGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		if n, bad := strconv.ParseUint(name, 10, 31); bad == nil {
			return int(n), nil
		}
		if errors.As(err, new(user.UnknownGroupError)) {
			err = fmt.Errorf("there is no group %q", name)
		}
		return 0, err
	}
	n, err := strconv.Atoi(g.Gid)
	if err != nil {
		return 0, fmt.Errorf("group %q: id %q: %w", name, g.Gid, err)
	}
	return n, nil
}
