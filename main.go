// Command mgr starts, stops, reloads and reports on fleets of daemons, from
// nothing but what is on disk and in /proc.
//
// Package main owns the command line, the streams and the exit status. What the
// commands do is package manager's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"mgr/aliases"
	"mgr/manager"
	"mgr/server"
)

// version is stamped in by the Makefile.
var version = "development"

func main() {
	if text, is := os.LookupEnv(server.StageEnv); is {
		os.Exit(server.Stage(text))
	}
	syscall.Umask(0o022) // what mgr makes is for others to read, whoever calls it
	os.Exit(run(os.Args, manager.NewConsole(os.Stdout, os.Stderr, terminal())))
}

// run is mgr: it gives the exit status.
func run(args []string, console *manager.Console) int {
	defer console.Flush()
	signal.Ignore(syscall.SIGPIPE) // for the writer to notice: mgr … | head
	if len(args) > 1 && args[1] == completeWord {
		console.Print(complete(args[2:]))
		return manager.OK
	}
	flags := flags()
	argv, bad := arrange(args[1:], flags)
	if filepath.Base(args[0]) == "swift-init" {
		argv = append([]string{"--compat"}, argv...)
	}
	c, err := parse(argv, flags)
	if bad != nil {
		err = bad
	}
	if err != nil {
		return refuse(c, console, manager.Usage, err)
	}
	status, err := dispatch(c, console)
	if err != nil {
		return refuse(c, console, status, err)
	}
	return status
}

// refuse reports what is wrong with the command line or the profile.
func refuse(c *cli.Context, console *manager.Console, status int, err error) int {
	cmd, _, _ := split(c.Args().Slice())
	m := bare(c, console)
	var all aliases.Errors
	if errors.As(err, &all) {
		var errs []error
		for _, e := range all {
			errs = append(errs, e)
		}
		return m.Refuse(cmd.Name, status, errs)
	}
	status = m.Refuse(cmd.Name, status, []error{err})
	if !errors.As(err, new(*os.PathError)) {
		console.Hint("mgr --help tells the usage")
	}
	return status
}

// bare is who speaks where there is no command to be run.
func bare(c *cli.Context, console *manager.Console) *manager.Manager {
	return &manager.Manager{Console: console, Options: manager.Options{JSON: c.Bool("json"), DryRun: c.Bool("dry-run")}}
}

// dispatch runs the command that the words name.
func dispatch(c *cli.Context, console *manager.Console) (int, error) {
	words := c.Args().Slice()
	switch {
	case c.Bool("version"):
		return bare(c, console).Tell("version", "mgr "+version+"\n"), nil
	case c.Bool("help"), asksHelp(words) && !c.Bool("compat"):
		return bare(c, console).Tell("help", help(words, flags())), nil
	}
	cmd, servers, err := split(words)
	if err == nil && c.Bool("compat") && len(words) < 2 {
		err = errors.New("too few words")
	}
	if err != nil {
		if !c.Bool("compat") {
			return manager.Usage, err
		}
		if c.Bool("json") {
			return manager.Failed, err
		}
		return compatUsage(c, console, words), nil
	}
	o, err := options(c)
	if err == nil {
		err = o.Fit(cmd)
	}
	if err != nil {
		return manager.Usage, err
	}
	ctx, finish := interruptible()
	var f *server.Fleet
	if !cmd.Bare() {
		var status int
		if f, status, err = load(ctx, c); err != nil {
			return status, err
		}
	}
	if cmd.Name != "no-daemon" && !o.Foreground && !o.Stays() {
		finish()
	}
	m := &manager.Manager{Fleet: f, Console: console, Options: o, Flags: describe(flags())}
	return m.Run(ctx, cmd, servers), nil
}

// compatUsage is what swift-init says to too few words or an unknown command.
func compatUsage(c *cli.Context, console *manager.Console, words []string) int {
	console.Print(help(nil, flags()))
	if len(words) < 2 {
		console.Print("ERROR: specify server(s) and command\n")
	} else {
		console.Print(fmt.Sprintf("ERROR: unknown command, %s\n", words[len(words)-1]))
	}
	return manager.Failed
}

// interruptible gives a context that SIGINT, SIGTERM and SIGQUIT end, with a cause
// that tells which of them did. A second one ends mgr as usual; SIGQUIT does as SIGTERM,
// since Go's own way is to print stacks and to exit with the status of a usage error.
// SIGHUP, a lost ssh line, ends it too, until finish is called: a job is not left half
// done, unless it sits in the foreground. SIGINT and SIGHUP stay ignored if mgr was
// started so, by nohup(1) or as a job of a shell script, in the background. (Go does not
// tell of SIGQUIT.)
func interruptible() (ctx context.Context, finish func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	finishes := new(atomic.Bool)
	signals := make(chan os.Signal, 8) // a lost line may send several at once
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGQUIT)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	// A goroutine, since signals come while the command waits.
	go func() {
		for sig := range signals {
			if sig == syscall.SIGHUP && finishes.Load() {
				continue
			}
			signal.Reset(syscall.SIGINT, syscall.SIGTERM)
			cancel(manager.Interrupted{Signal: sig.(syscall.Signal)})
			break
		}
		for sig := range signals {
			if sig == syscall.SIGQUIT {
				_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
			}
		}
	}()
	// In a goroutine of its own: it does not return.
	time.AfterFunc(unattended, func() {
		attend(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH)
	})
	return ctx, func() { finishes.Store(true) }
}
