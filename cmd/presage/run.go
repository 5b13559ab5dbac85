package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

func newRun() *cobra.Command {
	var file, role string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Read telemetry topics, forecast, publish",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch role {
			case roleAll, roleWindower, roleForecaster:
			default:
				return misusef("--role: expected all, windower or forecaster, found %q", role)
			}
			asked, stop := hangups()
			defer stop()
			given := givenSettings(cmd.Flags())
			load := func() (settings, error) { return loadSettings(file, given) }
			return run(cmd.Context(), load, asked, role, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (see presage.example.yaml)")
	cmd.Flags().StringVar(&role, "role", roleAll, "what this process does: all, windower (slices) or forecaster")
	settingFlags(cmd.Flags())
	return cmd
}

// run runs the pipeline until it is told to stop. The configuration is loaded once
// more whenever it is asked for.
func run(ctx context.Context, load func() (settings, error), asked <-chan os.Signal, role string, out io.Writer) error {
	s, err := load()
	if err != nil {
		return err
	}
	p := &process{role: role, load: load, asked: asked, level: new(slog.LevelVar)}
	p.log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: p.level}))
	if p.metrics, err = newInstruments(); err != nil {
		return err
	}
	if p.reloads, err = newReloads(p.metrics.registry); err != nil {
		return err
	}
	p.front = newFront(p.metrics.registry, func() bool { return p.metrics.ready(role) }, p.log)
	err = p.run(ctx, s)
	if ctx.Err() != nil {
		p.log.Info("stopped")
		return nil
	}
	return err
}
