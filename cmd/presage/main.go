package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitMisuse = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// misuse marks an error of the command line: exit 2.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

func misusef(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// execute runs one command line and gives its exit code.
func execute(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(os.Stderr, "presage: %s\n", err)
	var m misuse
	if errors.As(err, &m) {
		fmt.Fprintf(os.Stderr, "Try '%s --help'.\n", cmd.CommandPath())
		return exitMisuse
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "presage",
		Short:         "Forecast how every service of a distributed system will perform",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromVariables(cmd.Flags(), os.LookupEnv)
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return misuse{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(commands()...)
	return root
}

// commands lists the subcommands in the order of the help text.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newDemo(),
		newRun(),
		newRekey(),
		newReplay(),
		newSubscribe(),
		newTrain(),
		newEvaluate(),
		newWorlds(),
		newHistory(),
		newModels(),
		newConfig(),
		newHealth(),
		newVersion(),
	}
}

// noArgs is cobra.NoArgs as a misuse.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		if cmd.HasSubCommands() {
			return misusef("unknown command %q for %q", args[0], cmd.CommandPath())
		}
		return misusef("expected no argument, found %q", args[0])
	}
	return nil
}

// fromVariables sets every flag that was not given from its PRESAGE_ variable.
func fromVariables(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || first != nil || f.Name == "help" {
			return
		}
		name := "PRESAGE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = misusef("variable %s: %w", name, err)
		}
	})
	return first
}
