package main

import (
	"context"
	"fmt"
	"time"

	"presage/internal/screen"
	"presage/replay/generated"
)

// writeFiles writes a generated recording in the alibaba-2022 file format.
func (f *replayFlags) writeFiles(ctx context.Context, view *screen.Screen) error {
	if f.source.format != "generated" {
		return misusef("--write goes with --format generated, found %q", f.source.format)
	}
	if f.source.hours <= 0 {
		return misusef("--write needs --hours above 0")
	}
	epoch, err := time.Parse(time.RFC3339, f.source.epoch)
	if err != nil {
		return misusef("--epoch: expected a time such as 2020-01-06T00:00:00Z, found %q", f.source.epoch)
	}
	g, err := generated.Open(generated.Options{
		Seed: f.source.seed, Services: f.source.services, Hours: f.source.hours, Rate: f.source.rate, Start: epoch.UnixNano(),
	})
	if err != nil {
		return err
	}
	view.Printf("%s", g.Describe())
	written, err := generated.Write2022(ctx, f.write, g, generated.Volume{
		Pack:     generated.Packing(f.pack),
		Progress: func(share float64) { view.Progress(fmt.Sprintf("%.0f %% written", 100*share)) },
	})
	view.Done()
	if err != nil {
		return err
	}
	view.Printf("%s rows of %s calls in %s traces, %d files in %s", screen.Count(written.Rows), screen.Count(written.Calls),
		screen.Count(written.Traces), written.Files, f.write)
	return nil
}
