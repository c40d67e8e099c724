package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"mgr/aliases"
	"mgr/manager"
	"mgr/server"
)

// load is fleet, unless ctx ends first. With an error it gives the exit status.
func load(ctx context.Context, c *cli.Context) (*server.Fleet, int, error) {
	path, err := profilePath(c)
	if err != nil {
		return nil, manager.Usage, err
	}
	type loaded struct {
		f   *server.Fleet
		err error
	}
	done := make(chan loaded, 1)
	// A goroutine, since who writes a profile into a pipe may take his time.
	go func() {
		f, err := fleetOf(c, path)
		done <- loaded{f, err}
	}()
	select {
	case l := <-done:
		return l.f, manager.Usage, l.err
	case <-ctx.Done():
		var by manager.Interrupted
		errors.As(context.Cause(ctx), &by)
		return nil, by.Status(), &fs.PathError{Op: "profile", Path: path, Err: by}
	}
}

// profilePath is where the profile is, "" for the one that is built in.
func profilePath(c *cli.Context) (string, error) {
	path := c.String("profile")
	switch {
	case path != "":
		return filepath.Abs(path)
	case c.IsSet("profile"):
		return "", errors.New("--profile, or $MGR_PROFILE: no file named")
	}
	return present(manager.SystemProfile)
}

// fleet loads the profile and applies the roots.
func fleet(c *cli.Context) (*server.Fleet, error) {
	path, err := profilePath(c)
	if err != nil {
		return nil, err
	}
	return fleetOf(c, path)
}

func fleetOf(c *cli.Context, path string) (*server.Fleet, error) {
	host, _ := os.Hostname()
	profile, err := aliases.Load(aliases.Source{Path: path, Host: host, Env: os.LookupEnv})
	if err != nil {
		return nil, err
	}
	f := &server.Fleet{Profile: profile, Env: os.Environ(), TempDir: os.TempDir()}
	if f.ConfDir, err = root(c, "conf-dir", profile.ConfDir, "/etc"); err != nil {
		return nil, err
	}
	f.RunDir, err = root(c, "run-dir", profile.RunDir, "/run/mgr")
	return f, err
}

// present gives the path of a profile that need not be there, "" if it is not. One
// that cannot be looked at may well be there, and then another one is wrong; a link
// that leads nowhere is there, too.
func present(path string) (string, error) {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return "", nil
	}
	var pe *fs.PathError
	errors.As(err, &pe)
	return "", &fs.PathError{Op: "profile", Path: path, Err: pe.Err}
}

// root is the directory that the option names, or else the profile, or else the
// default.
func root(c *cli.Context, option, profile, fallback string) (string, error) {
	switch dir := c.String(option); {
	case dir != "":
		return filepath.Abs(dir)
	case c.IsSet(option):
		return "", fmt.Errorf("--%s: no directory named", option)
	case profile != "":
		return filepath.Clean(profile), nil
	}
	return fallback, nil
}
