package aliases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func seconds(dst func(*Program) *time.Duration) setter {
	return func(p *Program, value string, _ Scope) error {
		d, err := ParseSeconds(value)
		if err != nil {
			return err
		}
		*dst(p) = d
		return nil
	}
}

// ParseSeconds reads a number of seconds, 0 or more, fractions allowed.
func ParseSeconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) || f > 1e9 {
		return 0, fmt.Errorf("%q is no number of seconds, 0 or more", s)
	}
	return time.Duration(f * float64(time.Second)), nil
}

func umask(p *Program, value string, _ Scope) error {
	n, err := strconv.ParseUint(value, 8, 12)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%q is no octal mode such as 022", value)
	}
	p.Umask = int(n)
	return nil
}

func nice(p *Program, value string, _ Scope) error {
	n, err := number(value, -20, 19)
	if err == nil {
		p.Nice = &n
	}
	return err
}

func integer(dst func(*Program) *int, least, most int) setter {
	return func(p *Program, value string, _ Scope) error {
		n, err := number(value, least, most)
		if err == nil {
			*dst(p) = n
		}
		return err
	}
}

func number(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is no number from %d to %d", clip(s), least, most)
	}
	return n, nil
}

func exitCodes(p *Program, value string, _ Scope) error {
	var codes []int
	for _, word := range splitList(value) {
		n, err := number(word, 0, 255)
		if err != nil {
			return err
		}
		codes = append(codes, n)
	}
	p.ExitCodes = codes
	return nil
}

func limit(key string, resource int) setter {
	return func(p *Program, value string, _ Scope) error {
		n, err := parseSize(value)
		if err != nil {
			return err
		}
		p.Limits = slices.DeleteFunc(p.Limits, func(l Limit) bool { return l.Key == key })
		p.Limits = append(p.Limits, Limit{Key: key, Resource: resource, Value: n})
		return nil
	}
}

// parseSize reads a number with KB, MB, GB or nothing behind it, as supervisord
// does, or unlimited.
func parseSize(s string) (uint64, error) {
	if s == "unlimited" {
		return unix.RLIM_INFINITY, nil
	}
	num, shift := s, 0
	for n, suffix := range []string{"KB", "MB", "GB"} {
		if cut, ok := strings.CutSuffix(strings.ToUpper(s), suffix); ok {
			num, shift = cut, 10*(n+1)
		}
	}
	n, err := strconv.ParseUint(num, 10, 64)
	if err != nil || n<<shift>>shift != n {
		return 0, fmt.Errorf("%q is no size such as 8192, 512MB or unlimited", s)
	}
	return n << shift, nil
}
