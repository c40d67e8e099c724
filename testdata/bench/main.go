// Command bench measures what mgr costs: beside swift-init, runit, s6, supervisor and start-stop-daemon, and beside a
// floor, a C program that does only what nobody can avoid (floor.c). All are measured in one run, in turns, on the same
// instances (daemon.c), and the medians are printed as a table in Markdown.
//
//	bench DIR    DIR/bin has mgr, and floor, timer and daemon as they are built from here
//
// scripts/bench builds these and runs it in a pid namespace of its own. The environment chooses: BENCH_ONLY is a regular
// expression on the names of rows; BENCH_ROUNDS is how often each contender has its turn, 7 by default, fewer where a
// turn is long; BENCH_SHORT, if not empty, leaves out what takes long: most rivals beyond 57 instances, and all but one
// turn of the longest rows.
package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: bench DIR")
	}
	only, err := regexp.Compile(os.Getenv("BENCH_ONLY"))
	if err != nil {
		return fmt.Errorf("BENCH_ONLY: %w", err)
	}
	rounds := 7
	if text := os.Getenv("BENCH_ROUNDS"); text != "" {
		if rounds, err = strconv.Atoi(text); err != nil || rounds < 1 {
			return fmt.Errorf("BENCH_ROUNDS: %q is no number of rounds", text)
		}
	}
	w, err := newWorld(args[0])
	if err != nil {
		return err
	}
	w.short = os.Getenv("BENCH_SHORT") != ""
	var results []result
	for _, r := range rows() {
		if !only.MatchString(r.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", r.name)
		results = append(results, w.row(r, rounds))
	}
	for _, command := range []string{"status", "start", "stop"} {
		results = appendGrowth(results, command)
	}
	printReport(os.Stdout, results)
	return nil
}

// A row is one thing that is measured of several contenders.
type row struct {
	name  string
	unit  string               // of what measure gives
	every int                  // a round of this row counts for so many rounds; 0: for one
	field func(sample) float64 // what is measured; nil: the wall time, in milliseconds
	// setup makes the contenders of the row, the first of which is mgr. An error keeps the row out.
	setup   func(*world) ([]contender, error)
	targets []target
}

// A contender is one way to do what the row is about.
type contender struct {
	name    string
	once    bool         // it is too slow for more than one turn
	prepare func() error // what is not measured, before each turn; nil: nothing
	call    call
	check   func() error // that it has done its job, after each turn; nil: its exit status tells
}

// A target is what mgr is to reach: at most factor times the contender's median, or at most factor in the row's unit if
// than is "".
type target struct {
	than   string
	factor float64
}

// A result is what a row came to.
type result struct {
	row
	names  []string // contenders, in the order of the row
	values map[string][]float64
	notes  []string
}

// row measures all contenders of a row, in turns, in an order that changes from round to round.
func (w *world) row(r row, rounds int) result {
	res := result{row: r, values: map[string][]float64{}}
	defer w.cleanUp()
	contenders, err := r.setup(w)
	if err != nil {
		res.notes = append(res.notes, err.Error())
		return res
	}
	for _, c := range contenders {
		res.names = append(res.names, c.name)
	}
	rounds = w.rounds(r, rounds)
	broken := map[string]bool{}
	for n := range rounds {
		rand.Shuffle(len(contenders), func(i, j int) { contenders[i], contenders[j] = contenders[j], contenders[i] })
		for _, c := range contenders {
			if broken[c.name] || c.once && (n > 0 || w.short) {
				continue
			}
			s, err := w.turn(c)
			if err != nil {
				broken[c.name] = true
				res.notes = append(res.notes, c.name+": "+strings.TrimSpace(err.Error()))
				delete(res.values, c.name)
				continue
			}
			value := s.wall.Seconds() * 1000
			if r.field != nil {
				value = r.field(s)
			}
			res.values[c.name] = append(res.values[c.name], value)
		}
	}
	return res
}

// rounds is how many rounds a row has: three at least, unless fewer are asked for.
func (w *world) rounds(r row, rounds int) int {
	if w.short && r.every >= 7 {
		return 1
	}
	return max(rounds/max(r.every, 1), min(rounds, 3))
}

func (w *world) turn(c contender) (sample, error) {
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return sample{}, fmt.Errorf("prepare: %w", err)
		}
	}
	s, err := w.measure(c.call)
	if err == nil && c.check != nil {
		err = c.check()
	}
	return s, err
}
