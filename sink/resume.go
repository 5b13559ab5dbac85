package sink

import (
	"context"
	"errors"
	"fmt"
	"math"

	"presage/model"
	"presage/model/online"
	"presage/model/registry"
)

// resume sets the loop up from the state folder and the forecast topic, and tells
// from which slice on snapshots are needed.
func (f *forecaster) resume(ctx context.Context) (from int64, err error) {
	if f.registry, err = registry.Open(f.StateDir, f.Loop.Graph); err != nil {
		return 0, err
	}
	width, published, err := f.recover(ctx)
	if err != nil {
		return 0, err
	}
	if f.loop, err = online.New(f.Loop); err != nil {
		return 0, err
	}
	if f.restore() {
		f.upTo, _ = f.loop.LastStart()
		if oldest, _ := f.loop.Rebuild(f.newest / width); !published || f.loop.Index() >= oldest {
			return f.loop.From(), nil
		}
		f.Log.Info("checkpoint not used: what came since is longer than the history", "graph", f.Loop.Graph)
		if f.loop, err = online.New(f.Loop); err != nil {
			return 0, err
		}
	}
	f.upTo, from = math.MinInt64, math.MinInt64
	if published {
		var observe int64
		from, observe = f.loop.Rebuild(f.newest / width)
		f.upTo = (observe - 1) * width
	}
	return from, f.adopt()
}

// recover learns from the forecast topic what is published.
func (f *forecaster) recover(ctx context.Context) (width int64, published bool, err error) {
	f.newest, width = math.MinInt64, 1
	start, w, published, err := f.Publisher.Newest(ctx)
	if err != nil || !published || w <= 0 {
		return width, false, err
	}
	newest, _, bad, err := f.Publisher.Recover(ctx, start-1)
	if bad > 0 {
		f.Log.Warn("records in the forecast topic that are no forecasts", "count", bad)
	}
	f.newest = newest
	return w, true, err
}

// restore takes the checkpoint into the loop. It reports whether there was one.
func (f *forecaster) restore() bool {
	raw, err := readCheckpoint(f.StateDir, f.Loop.Graph)
	if err == nil {
		err = f.loop.Resume(raw, func(_, version string) (model.State, error) {
			_, st, err := f.registry.Load(version)
			return st, err
		})
	}
	if err != nil && !errors.Is(err, errNoCheckpoint) {
		f.Log.Warn("checkpoint not used: starting from the champions and the snapshots", "graph", f.Loop.Graph, "err", err)
	}
	_, seen := f.loop.LastStart()
	return err == nil && seen
}

// adopt takes the registry's champions into a loop without a checkpoint, whose
// slices up to what they were trained on are remembered only: no forecast is made of what a model has seen.
func (f *forecaster) adopt() error {
	if f.Loop.Network.New == nil {
		return nil
	}
	for _, target := range f.Loop.Targets {
		version, err := f.registry.Champion(target)
		if errors.Is(err, registry.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		card, st, err := f.registry.Load(version)
		if err != nil {
			return fmt.Errorf("champion of %s: %w", target, err)
		}
		if card.Method != f.Loop.Network.Name {
			f.Log.Warn("champion is of another method and not used", "target", target, "version", version, "wanted", f.Loop.Network.Name)
			continue
		}
		if err := f.loop.Adopt(target, version, st, card.ToMs*1e6); err != nil {
			f.Log.Warn("champion not used", "target", target, "version", version, "err", err)
			continue
		}
		f.upTo = max(f.upTo, card.ToMs*1e6)
	}
	return nil
}
