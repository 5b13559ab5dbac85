package stage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"presage/internal/kafka"
)

// findStep is how many records FindSlice does not look into more closely.
const findStep = 64

// FindSlice tells from which offset of the slices topic to read so that no snapshot of
// slice index, or a later one, is missed. It asks for about twenty records whatever
// the topic's length: a start need not read the history that it has on disk.
func FindSlice(ctx context.Context, cfg SlicesConfig, index int64) (int64, error) {
	partition, err := slicesPartition(ctx, cfg)
	if err != nil {
		return 0, err
	}
	ends, err := cfg.Client.Ends(ctx, cfg.Topic)
	if err != nil {
		return 0, err
	}
	// First revisions lie in rising order; before low all are of earlier slices.
	low, high := ends[partition].First, ends[partition].End
	for high-low > findStep {
		middle := low + (high-low)/2
		found, at, err := nextFirst(ctx, cfg, partition, middle, high)
		if err != nil {
			return 0, fmt.Errorf("look for slice %d of graph %s: %w", index, cfg.Graph, err)
		}
		if at < 0 || found >= index {
			high = middle
		} else {
			low = max(at, middle)
		}
	}
	// A member that had lost the partition may have written earlier slices again.
	return max(ends[partition].First, low-findStep), nil
}

// nextFirst finds the next record of a first revision of the graph from an offset on:
// its slice and offset. The offset is -1 if there is none before the limit.
func nextFirst(ctx context.Context, cfg SlicesConfig, partition int, from, limit int64) (index, offset int64, err error) {
	r := cfg.Client.Read(cfg.Topic, partition, from, kafka.FetchConfig{MaxBytes: 64 << 10, OutOfRange: kafka.Earliest})
	for r.Next() < limit {
		records, end, err := r.Fetch(ctx)
		if err != nil {
			return 0, 0, err
		}
		for i := range records {
			if records[i].Offset >= limit {
				return 0, -1, nil
			}
			if index, ok := firstRevision(cfg.Graph, records[i].Key); ok {
				return index, records[i].Offset, nil
			}
		}
		if r.Next() >= end {
			break
		}
	}
	return 0, -1, nil
}

// firstRevision reads the key graph/slice/revision/chunk; a graph's name may hold
// slashes.
func firstRevision(graph string, key []byte) (index int64, ok bool) {
	rest, ok := strings.CutPrefix(string(key), graph+"/")
	if !ok {
		return 0, false
	}
	fields := strings.Split(rest, "/")
	if len(fields) != 3 || fields[1] != "1" {
		return 0, false
	}
	index, err := strconv.ParseInt(fields[0], 10, 64)
	return index, err == nil
}
