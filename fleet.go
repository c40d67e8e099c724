package main

import (
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

// fleet loads the profile and applies the roots.
func fleet(c *cli.Context) (*server.Fleet, error) {
	path := c.String("profile")
	if path == "" && c.IsSet("profile") {
		return nil, errors.New("--profile, or $MGR_PROFILE: no file named")
	}
	if path == "" {
		var err error
		if path, err = present(manager.SystemProfile); err != nil {
			return nil, err
		}
	}
	host, _ := os.Hostname()
	if path != "" {
		var err error
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
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
