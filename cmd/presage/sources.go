package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"presage/replay"
	"presage/replay/alibaba"
	"presage/replay/calls"
	"presage/replay/generated"
	"presage/replay/nezha"
)

func alibabaOptions(f *sourceFlags, epoch time.Time) alibaba.Options {
	return alibaba.Options{Epoch: epoch, DeclareSampling: f.declareSampling}
}

func open2018(ctx context.Context, f *sourceFlags, epoch time.Time) (replay.Source, error) {
	return alibaba.Open2018(ctx, f.data, alibabaOptions(f, epoch))
}

func open2021(ctx context.Context, f *sourceFlags, epoch time.Time) (replay.Source, error) {
	return alibaba.Open2021(ctx, f.data, alibabaOptions(f, epoch))
}

func open2022(ctx context.Context, f *sourceFlags, epoch time.Time) (replay.Source, error) {
	return alibaba.Open2022(ctx, f.data, alibabaOptions(f, epoch))
}

func openNezha(ctx context.Context, f *sourceFlags, _ time.Time) (replay.Source, error) {
	return nezha.Open(ctx, nezha.Options{Data: f.data})
}

func openCalls(ctx context.Context, f *sourceFlags, epoch time.Time) (replay.Source, error) {
	o := f.calls
	o.Data, o.Epoch = f.data, epoch
	return calls.Open(ctx, o)
}

func openGenerated(_ context.Context, f *sourceFlags, epoch time.Time) (replay.Source, error) {
	opt := generated.Options{
		Seed: f.seed, Services: f.services, Hours: f.hours, Rate: f.rate, Start: epoch.UnixNano(),
	}
	if f.truth == "" {
		return generated.Open(opt)
	}
	file, err := os.Create(filepath.Clean(f.truth))
	if err != nil {
		return nil, fmt.Errorf("--truth: %w", err)
	}
	opt.Truth = file
	source, err := generated.Open(opt)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &closing{source, file}, nil
}

// closing is a source with a file that is closed after it.
type closing struct {
	*generated.Generator
	file *os.File
}

// Close ends the source, which writes the rest of the truth, and the file.
func (c *closing) Close() error {
	err := c.Generator.Close()
	if failed := c.file.Close(); err == nil {
		err = failed
	}
	return err
}

// length is the time from a recording's first item to its last.
func length(ctx context.Context, open replay.Opener) (d time.Duration, err error) {
	source, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if ranger, ok := source.(replay.Ranger); ok {
		first, last, err := ranger.Range(ctx)
		return time.Duration(last - first), err
	}
	first, last := int64(0), int64(0)
	for {
		item, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return time.Duration(last - first), nil
		}
		if err != nil {
			return 0, err
		}
		if first == 0 {
			first = item.At
		}
		last = max(last, item.At)
	}
}
