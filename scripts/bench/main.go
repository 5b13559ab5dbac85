package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

type options struct {
	only       *regexp.Regexp
	out        string
	python     string
	quick      bool
	rounds     int
	reportOnly bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(serverScript); err != nil {
		return fmt.Errorf("run this in the root of the repository: %w", err)
	}
	out := files{root: o.out}
	if o.reportOnly {
		m, results, err := out.load()
		if err != nil {
			return err
		}
		return out.writeReport(m, results)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m, records, failed := measureAll(ctx, o)
	if len(records) == 0 {
		return failed
	}
	results := resultsOf(records)
	fmt.Printf("\n%s", report(m, results, ""))
	if o.out == "" {
		return failed
	}
	return errors.Join(failed, out.write(m, records, results))
}

// parse reads the command line. out is empty where nothing is to be written.
func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := set.String("only", "", "cases whose name matches this `regexp`; writes nothing unless -out is given")
	set.StringVar(&o.out, "out", "", "`folder` to write to (default: the repository, for a whole run)")
	set.StringVar(&o.python, "python", "/usr/bin/python3", "Python that has PyTorch")
	set.BoolVar(&o.quick, "quick", false, "two short rounds, without the rivals unless -only names them; writes nothing unless -out is given")
	set.IntVar(&o.rounds, "rounds", 5, "pairs of measurements per case")
	set.BoolVar(&o.reportOnly, "report-only", false, "only make the report again from the results")
	if err := set.Parse(args); err != nil {
		return o, fmt.Errorf("command line: %w", err)
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("command line: %q is no flag", set.Arg(0))
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if o.quick {
		o.rounds = min(o.rounds, 2)
	}
	if o.rounds < 1 {
		return o, errors.New("-rounds: at least one is needed")
	}
	if o.out == "" && (o.reportOnly || !o.quick && *only == "") {
		o.out = "."
	}
	return o, nil
}
