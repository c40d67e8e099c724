package aliases

import (
	"errors"
	"io/fs"
)

// A Source says where a profile comes from and what it may refer to.
type Source struct {
	Path string                      // "": the built-in profile
	Host string                      // name of this host
	Env  func(string) (string, bool) // as os.LookupEnv; nil: no variables
	// Include gives the files that a pattern of [include] means, sorted; nil:
	// there is nothing to include.
	Include func(pattern string) ([]string, error)
	// Read reads an included file.
	Read func(path string) ([]byte, error)
}

// Load reads the profile and what it includes. The error is an Errors with
// everything that is wrong with it, or a *fs.PathError: what kept it from being
// read.
func Load(src Source) (*Profile, error) {
	if src.Path == "" {
		src.Path = BuiltinName
		return Parse(src, []byte(builtin))
	}
	data, err := readProfile(src.Path)
	if err != nil {
		return nil, &fs.PathError{Op: "profile", Path: src.Path, Err: cause(err)}
	}
	src.Include, src.Read = visible, readIncluded
	return Parse(src, data)
}

// cause drops the path of a *fs.PathError: the caller names it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
