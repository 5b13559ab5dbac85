package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"presage/internal/kafka"
	"presage/model"
)

type subscribeFlags struct {
	client    clientFlags
	json      bool
	fromStart bool
	graph     string
	service   string
	target    string
	rows      int
}

func newSubscribe() *cobra.Command {
	var f subscribeFlags
	cmd := &cobra.Command{
		Use:   "subscribe",
		Short: "Follow the forecast topic as a table, or as JSON lines",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f.client.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print the records as they are, one a line")
	flags.BoolVar(&f.fromStart, "from-start", false, "begin with the oldest record that the topic holds")
	flags.StringVar(&f.graph, "graph", "", "only this graph")
	flags.StringVar(&f.service, "service", "", "only this service")
	flags.StringVar(&f.target, "target", model.ChannelResponseTime, "only this target; empty: all")
	flags.IntVar(&f.rows, "rows", 0, "rows of a table; 0: all")
	return cmd
}

func (f *subscribeFlags) run(ctx context.Context, out io.Writer) error {
	c, err := f.client.load()
	if err != nil {
		return err
	}
	client, err := dial(ctx, c.Kafka, newLogger(io.Discard, c.Log))
	if err != nil {
		return err
	}
	defer client.Close()
	counts, err := client.Partitions(ctx, c.Topics.Forecasts)
	if err != nil {
		return err
	}
	from := int64(kafka.LastOffset)
	if f.fromStart {
		from = kafka.FirstOffset
	}
	show := newFollower(f, out, counts[0])
	group, ctx := errgroup.WithContext(ctx)
	for partition := range counts[0] {
		group.Go(func() error {
			cfg := kafka.FetchConfig{OutOfRange: kafka.Earliest}
			return client.Follow(ctx, c.Topics.Forecasts, partition, from, cfg, func(records []kafka.Record, _ int64) error {
				return show.take(partition, records)
			})
		})
	}
	err = group.Wait()
	if last := show.flush(); err == nil {
		err = last
	}
	return err
}
