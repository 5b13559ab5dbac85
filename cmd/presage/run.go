package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"presage/internal/config"
	"presage/internal/web"
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
			c, err := config.Load(file, os.Environ(), givenSettings(cmd.Flags()))
			if err != nil {
				return err
			}
			return run(cmd.Context(), c, role, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (see presage.example.yaml)")
	cmd.Flags().StringVar(&role, "role", roleAll, "what this process does: all, windower (slices) or forecaster")
	settingFlags(cmd.Flags())
	return cmd
}

// run runs the pipeline until it is told to stop.
func run(ctx context.Context, c config.Config, role string, out io.Writer) error {
	log := newLogger(out, c.Log)
	client, err := dial(ctx, c.Kafka, log)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := newPipeline(c, role, client, log)
	if err != nil {
		return err
	}
	p.background, p.zstd, p.shared = true, true, true
	if c.HTTP != "" {
		if p.server, err = web.Listen(c.HTTP, p.registry, p.ready); err != nil {
			return err
		}
		log.Info("listening", "metrics", "http://"+p.server.Addr()+"/metrics")
	}
	if err := p.ensureTopics(ctx); err != nil {
		return err
	}
	log.Info("running", "role", role, "graphs", len(c.Graphs), "state", c.State)
	err = p.run(ctx)
	if ctx.Err() != nil {
		log.Info("stopped")
		return nil
	}
	return err
}
