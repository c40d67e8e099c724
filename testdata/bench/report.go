package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// printReport prints what was measured: where, the medians, and how they stand to what mgr is to reach.
func printReport(w io.Writer, results []result) {
	fmt.Fprintf(w, "%s, %d cores, %s, Linux %s; %s\n\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), cpuModel(), kernel(), versions())
	columns := []string{mgr, floor}
	for _, r := range results {
		for _, name := range r.names {
			if !slices.Contains(columns, name) && !strings.HasPrefix(name, mgr+" ") {
				columns = append(columns, name)
			}
		}
	}
	fmt.Fprintf(w, "Medians in milliseconds, unless the row says otherwise; in brackets the quartiles.\n\n")
	fmt.Fprintf(w, "| | %s | target | |\n|---|%s---|---|\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, r := range results {
		cells := []string{r.title()}
		for _, name := range columns {
			cells = append(cells, r.cell(name))
		}
		target, reached := r.verdict()
		fmt.Fprintf(w, "| %s |\n", strings.Join(append(cells, target, reached), " | "))
	}
	fmt.Fprintln(w)
	for _, r := range results {
		for _, note := range r.notes {
			fmt.Fprintf(w, "- %s: %s\n", r.name, strings.ReplaceAll(note, "\n", " "))
		}
	}
}

// appendGrowth adds how much longer a command of mgr's takes for ten times the instances, in tens, if both were measured.
func appendGrowth(results []result, command string) []result {
	median := func(name string) float64 {
		for _, r := range results {
			if values := r.values[mgr]; r.name == command+" of "+name && len(values) > 0 {
				return quantile(values, 0.5)
			}
		}
		return 0
	}
	some, many := median("1,000"), median("10,000")
	if some == 0 || many == 0 {
		return results
	}
	grown := row{name: "growth of " + command + " from 1,000 to 10,000", unit: "1: linear", targets: []target{{"", 1}}}
	return append(results, result{row: grown, names: []string{mgr}, values: map[string][]float64{mgr: {many / some / 10}}})
}

func (r result) title() string {
	if r.unit == "" {
		return r.name
	}
	return r.name + " (" + r.unit + ")"
}

// cell is the median of a contender; of the first two columns, with the quartiles.
func (r result) cell(name string) string {
	values := r.values[name]
	if len(values) == 0 && name == mgr {
		return r.commands()
	}
	if len(values) == 0 {
		return ""
	}
	text := figure(quantile(values, 0.5))
	if len(values) > 2 && (name == mgr || name == floor) {
		text += fmt.Sprintf(" (%s–%s)", figure(quantile(values, 0.25)), figure(quantile(values, 0.75)))
	}
	return text
}

// commands are the medians of a row that measures several commands of mgr's.
func (r result) commands() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if command, ok := strings.CutPrefix(name, mgr+" "); ok {
			out = append(out, command+" "+figure(quantile(r.values[name], 0.5)))
		}
	}
	return strings.Join(out, ", ")
}

// verdict says what was to be reached, and what was.
func (r result) verdict() (target, reached string) {
	var wanted, got []string
	for _, t := range r.targets {
		value, ok := r.ours()
		what := figure(t.factor)
		if t.than != "" {
			theirs := r.values[t.than]
			ok = ok && len(theirs) > 0
			if ok {
				value /= quantile(theirs, 0.5)
			}
			what += " × " + t.than
			if t.factor < 1.0/2 {
				what = t.than + " / " + figure(1/t.factor)
			}
		}
		wanted = append(wanted, "≤ "+what)
		switch {
		case !ok:
			got = append(got, "?")
		case value <= t.factor:
			got = append(got, ratio(value, t)+" yes")
		default:
			got = append(got, "**"+ratio(value, t)+" no**")
		}
	}
	return strings.Join(wanted, ", "), strings.Join(got, ", ")
}

// ours is mgr's median, or the highest one where several of its commands are measured.
func (r result) ours() (float64, bool) {
	highest, ok := 0.0, false
	for _, name := range r.names {
		if values := r.values[name]; strings.HasPrefix(name, mgr) && len(values) > 0 {
			highest, ok = max(highest, quantile(values, 0.5)), true
		}
	}
	return highest, ok
}

func ratio(value float64, t target) string {
	switch {
	case t.than == "":
		return figure(value)
	case t.factor < 1.0/2:
		return "/ " + figure(1/value)
	}
	return fmt.Sprintf("%.2f ×", value)
}

// quantile gives the value below which that part of all values is.
func quantile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := part * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// figure prints three digits, or as many as there are before the point.
func figure(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func cpuModel() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "?"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// versions names the packages that were compared with.
func versions() string {
	args := append([]string{"-W", "-f", "${db:Status-Abbrev}${Package} ${Version}\n"}, "dpkg", "python3-swift", "runit", "s6", "supervisor")
	out, _ := exec.Command("dpkg-query", args...).Output() // it fails for those that it does not know
	var all []string
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "ii "); ok {
			all = append(all, name)
		}
	}
	return strings.Join(append(all, runtime.Version()), ", ")
}
