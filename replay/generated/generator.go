package generated

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"presage/replay"
)

// Generator makes the items of a system tick by tick. It is a replay.Source, used
// by one goroutine; items stay valid as long as the caller keeps them.
type Generator struct {
	w      *world
	state  *State
	tick   *Tick
	steps  Rand // moves the system
	draws  Rand // draws traces
	names  Rand // draws their ids
	noise  Rand // what observers miss
	walker walker
	emit   *emitter
	truth  truthWriter

	ready []pending // sorted, from next on
	next  int
	later []pending // not yet final: something may still come before them
	skew  int64     // most that a host's clock is ahead or behind
	done  bool
	stats replay.Stats
	last  int64
}

// pending is an item with the time at which it reaches its reader.
type pending struct {
	at   int64
	item replay.Item
}

var _ replay.Source = (*Generator)(nil)

// Open draws a system and prepares to run it. Close it after use.
func Open(opt Options) (*Generator, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	w := newWorld(opt)
	g := &Generator{
		w: w, state: w.newState(), tick: w.newTick(), emit: newEmitter(w),
		steps: NewRand(opt.Seed, streamStep), draws: NewRand(opt.Seed, streamTrace), names: NewRand(opt.Seed, streamNames),
		noise: NewRand(opt.Seed, streamNoise),
		truth: truthWriter{w: w, out: opt.Truth},
	}
	g.walker = walker{w: w, s: g.state, t: g.tick, r: &g.draws}
	for _, h := range g.state.Hosts {
		g.skew = max(g.skew, h.Skew, -h.Skew)
	}
	g.stats.Skipped = map[string]int64{}
	return g, nil
}

// Next returns the next item, io.EOF after the last.
func (g *Generator) Next(ctx context.Context) (replay.Item, error) {
	for g.next == len(g.ready) {
		if g.done {
			return replay.Item{}, io.EOF
		}
		if err := ctx.Err(); err != nil {
			return replay.Item{}, err
		}
		if err := g.advance(); err != nil {
			return replay.Item{}, err
		}
	}
	item := g.ready[g.next].item
	g.ready[g.next] = pending{}
	g.next++
	g.count(item)
	return item, nil
}

// count keeps the statistics.
func (g *Generator) count(item replay.Item) {
	if g.stats.Rows++; g.stats.Rows == 1 {
		g.stats.First = item.At
	}
	if item.At < g.last {
		g.stats.Skipped["straggler"]++
	}
	g.last = max(g.last, item.At)
	g.stats.Last = g.last
}

// advance simulates a tick and makes ready what nothing can come before any more.
func (g *Generator) advance() error {
	over, err := g.step(func(_ int, calls []call) {
		g.emit.trace(calls, g.state, g.tick.Start, &g.names, g.add)
	})
	if over || err != nil {
		g.done = over
		g.release(1<<63 - 1)
		return err
	}
	g.emit.sample(g.state, g.tick, &g.noise, func(i replay.Item) { g.later = append(g.later, pending{i.At, i}) })
	g.release(g.tick.Start + int64(g.w.opt.Tick) - g.skew)
	return nil
}

// step simulates a tick and draws its traces, each valid during the call only. It
// reports whether the run was over before.
func (g *Generator) step(each func(api int, calls []call)) (over bool, err error) {
	opt := &g.w.opt
	if opt.Duration > 0 && g.state.Tick*int64(opt.Tick) >= int64(opt.Duration) {
		return true, g.truth.finish(g.state)
	}
	g.w.step(g.state, &g.steps, g.tick)
	if err := g.truth.write(g.tick.Ended); err != nil {
		return false, err
	}
	for a, n := range g.tick.Traces {
		for range n {
			if opt.Sampling < 1 && !g.draws.chance(opt.Sampling) {
				continue
			}
			if calls := g.walker.trace(a); len(calls) > 0 {
				each(a, calls)
			}
		}
	}
	return false, nil
}

// add takes a span in, now and then late.
func (g *Generator) add(span *replay.Span) {
	p := pending{at: span.End, item: replay.Item{At: span.End, Span: span}}
	if opt := &g.w.opt; g.noise.chance(opt.LateShare) {
		p.at += int64(min(g.noise.exponential(), 4) * float64(opt.LateMean))
	}
	g.later = append(g.later, p)
}

// release sorts and hands over what reaches its reader before a time.
func (g *Generator) release(before int64) {
	g.ready, g.next = g.ready[:0], 0
	kept := g.later[:0]
	for _, p := range g.later {
		if p.at < before {
			g.ready = append(g.ready, p)
		} else {
			kept = append(kept, p)
		}
	}
	clear(g.later[len(kept):])
	g.later = kept
	slices.SortFunc(g.ready, func(a, b pending) int { return cmp.Compare(a.at, b.at) })
}

// Stats says how far the run is. Skipped counts items that came late, and
// nothing is left out.
func (g *Generator) Stats() replay.Stats {
	s := g.stats
	s.Done = -1
	if d := g.w.opt.Duration; d > 0 {
		s.Done = min(1, float64(time.Duration(g.state.Tick)*g.w.opt.Tick)/float64(d))
	}
	return s
}

// Close ends the run and writes the incidents that are not over to the truth. There
// is nothing on disk.
func (g *Generator) Close() error {
	g.done = true
	g.ready, g.later, g.next = nil, nil, 0
	return g.truth.finish(g.state)
}
