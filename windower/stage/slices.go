package stage

import (
	"context"
	"fmt"

	"presage/internal/kafka"
	"presage/windower/slice"
)

// SlicesConfig says which slices to read.
type SlicesConfig struct {
	Client *kafka.Client
	Topic  string // of the slices
	Graph  string
	// From is the offset to begin at: kafka.FirstOffset, or what a SliceFunc was told
	// as next.
	From int64
	// OnBad, where set, is told of chunks that can't be decoded; they are left out.
	OnBad func(offset int64, err error)
}

// SliceFunc takes the next snapshot, in the order of the log. next is the offset to
// begin at after a restart so that the following one comes first; end is the topic's
// end, so that next == end when the reader has caught up. With every look at the end
// that brings nothing, it is called with nil.
type SliceFunc func(s *slice.Snapshot, next, end int64) error

// FollowSlices reads a graph's snapshots until ctx ends, which is no error. Snapshots
// written twice come once: the first of a slice and revision.
func FollowSlices(ctx context.Context, cfg SlicesConfig, fn SliceFunc) error {
	partition, err := slicesPartition(ctx, cfg)
	if err != nil {
		return err
	}
	r, err := newSliceReader(cfg.Graph, cfg.OnBad)
	if err != nil {
		return err
	}
	defer r.close()
	return cfg.Client.Follow(ctx, cfg.Topic, partition, cfg.From, kafka.FetchConfig{MaxWait: fetchWait, OutOfRange: kafka.Earliest},
		func(records []kafka.Record, end int64) error {
			if len(records) == 0 {
				return fn(nil, end, end)
			}
			return r.read(records, end, fn)
		})
}

// ReadSlices reads the snapshots that are there now, and ends. fn is not called with
// nil.
func ReadSlices(ctx context.Context, cfg SlicesConfig, fn SliceFunc) error {
	partition, err := slicesPartition(ctx, cfg)
	if err != nil {
		return err
	}
	ends, err := cfg.Client.Ends(ctx, cfg.Topic)
	if err != nil {
		return err
	}
	r, err := newSliceReader(cfg.Graph, cfg.OnBad)
	if err != nil {
		return err
	}
	defer r.close()
	end := ends[partition].End
	return cfg.Client.ReadRange(ctx, cfg.Topic, partition, cfg.From, end, func(records []kafka.Record) error {
		return r.read(records, end, fn)
	})
}

func slicesPartition(ctx context.Context, cfg SlicesConfig) (int, error) {
	counts, err := cfg.Client.Partitions(ctx, cfg.Topic)
	if err != nil {
		return 0, fmt.Errorf("read the slices of graph %s: %w", cfg.Graph, err)
	}
	return kafka.Partition([]byte(cfg.Graph), counts[0]), nil
}

// readTail reads back the snapshots of at least the last n slices of a graph, or all
// that there are. A record holds a chunk of a slice, so it looks back from the end,
// further and further, until it has enough.
func readTail(ctx context.Context, c *kafka.Client, topic string, partition int, graph string, n int64) ([]*slice.Snapshot, error) {
	ends, err := c.Ends(ctx, topic)
	if err != nil {
		return nil, err
	}
	held := ends[partition]
	for back := 2 * n; ; back *= 4 {
		from := max(held.First, held.End-back)
		tail, err := readBack(ctx, c, topic, partition, graph, from, held.End)
		if err != nil {
			return nil, err
		}
		if from == held.First || len(tail) > 0 && tail[len(tail)-1].Index-tail[0].Index > n {
			return tail, nil
		}
	}
}

func readBack(ctx context.Context, c *kafka.Client, topic string, partition int, graph string, from, to int64) ([]*slice.Snapshot, error) {
	r, err := newSliceReader(graph, nil)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var out []*slice.Snapshot
	err = c.ReadRange(ctx, topic, partition, from, to, func(records []kafka.Record) error {
		return r.read(records, to, func(s *slice.Snapshot, _, _ int64) error {
			out = append(out, s)
			return nil
		})
	})
	return out, err
}

// sliceReader puts a graph's snapshots together and leaves out what came before.
type sliceReader struct {
	graph   string
	chunks  *slice.SnapshotReader
	onBad   func(int64, error)
	started bool
	last    int64              // newest slice of the first revision
	revised map[int64]struct{} // slices whose second revision came
}

// maxRevised bounds the memory of second revisions; they come soon after the first.
const maxRevised = 4096

func newSliceReader(graph string, onBad func(int64, error)) (*sliceReader, error) {
	chunks, err := slice.NewSnapshotReader()
	if err != nil {
		return nil, err
	}
	return &sliceReader{graph: graph, chunks: chunks, onBad: onBad, revised: map[int64]struct{}{}}, nil
}

func (r *sliceReader) close() { r.chunks.Close() }

func (r *sliceReader) read(records []kafka.Record, end int64, fn SliceFunc) error {
	for i := range records {
		rec := &records[i]
		s, err := r.chunks.Add(rec.Value)
		if err != nil {
			if r.onBad != nil {
				r.onBad(rec.Offset, err)
			}
			continue
		}
		if s == nil || s.Graph != r.graph || !r.news(s) {
			continue
		}
		if err := fn(s, rec.Offset+1, end); err != nil {
			return err
		}
	}
	return nil
}

// news reports whether a snapshot is the first of its slice and revision. The
// assembler writes first revisions in rising order.
func (r *sliceReader) news(s *slice.Snapshot) bool {
	if s.Revision == 1 {
		if r.started && s.Index <= r.last {
			return false
		}
		r.started, r.last = true, s.Index
		return true
	}
	if _, ok := r.revised[s.Index]; ok {
		return false
	}
	if len(r.revised) >= maxRevised {
		clear(r.revised)
	}
	r.revised[s.Index] = struct{}{}
	return true
}
