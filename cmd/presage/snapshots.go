package main

import (
	"context"
	"io"
	"sync"

	"presage/sink/ownership"
	"presage/windower/slice"
	"presage/windower/stage"
)

// snapshots feeds the forecaster from the slices topic: a sink.Snapshots. Reading
// runs ahead by a few slices; close waits for it. What Next gives is worked on under the graph's lease, which
// Commit gives back.
type snapshots struct {
	slices chan sliceAt
	cancel context.CancelFunc
	wait   sync.WaitGroup
	err    error // set before slices is closed
	ended  func(next int64) bool
	lease  *ownership.Lease
	at     sliceAt // what Next gave
}

type sliceAt struct {
	snapshot  *slice.Snapshot // nil: the topic's end was reached
	next, end int64
}

// aheadSlices bounds how many snapshots are decoded ahead of the forecaster.
const aheadSlices = 8

// openSnapshots reads a graph's slices from the slice index from on (math.MinInt64:
// from the oldest that the topic holds). ended, where set, says that nothing comes after the
// offset that the reader has reached: then Next gives io.EOF. lease is nil where no other process may forecast the graph.
func openSnapshots(ctx context.Context, cfg stage.SlicesConfig, from int64, ended func(next int64) bool, lease *ownership.Lease) *snapshots {
	ctx, cancel := context.WithCancel(ctx)
	s := &snapshots{slices: make(chan sliceAt, aheadSlices), cancel: cancel, ended: ended, lease: lease}
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		defer close(s.slices)
		if cfg.From, s.err = stage.FindSlice(ctx, cfg, from); s.err != nil {
			return
		}
		s.err = stage.FollowSlices(ctx, cfg, func(snapshot *slice.Snapshot, next, end int64) error {
			if snapshot != nil && snapshot.Index < from {
				return nil
			}
			select {
			case s.slices <- sliceAt{snapshot, next, end}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return s
}

// Next waits for the next snapshot.
func (s *snapshots) Next(ctx context.Context) (*slice.Snapshot, error) {
	for {
		select {
		case at, ok := <-s.slices:
			if !ok {
				if s.err != nil {
					return nil, s.err
				}
				return nil, context.Canceled
			}
			if at.snapshot != nil {
				s.at = at
				return at.snapshot, s.lease.Begin(ctx)
			}
			s.lease.End(at.next, at.end)
			if s.ended != nil && s.ended(at.next) {
				return nil, io.EOF
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Commit tells how far the graph is. Where to go on after a restart is not read from
// there: the checkpoint in the state folder and the forecast topic say that.
func (s *snapshots) Commit(context.Context, *slice.Snapshot) error {
	s.lease.End(s.at.next, s.at.end)
	return nil
}

func (s *snapshots) close() {
	s.cancel()
	s.wait.Wait()
}
