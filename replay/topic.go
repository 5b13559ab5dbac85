package replay

import (
	"context"
	"fmt"
)

// topic is a topic that is written, with what must not be written again.
type topic struct {
	name    string
	begin   []int64 // end offsets when the replay was started
	skip    []int64 // records of each partition that are there already
	skipped []int64
	written []int64 // acknowledged in this run; the writer's until it has ended
	next    int     // partition of the next record without a key
}

// pass reports whether the next record of a partition is in the topic already.
func (t *topic) pass(partition int) bool {
	if t.skip[partition] == 0 {
		return false
	}
	t.skip[partition]--
	t.skipped[partition]++
	return true
}

func (t *topic) left() (n int64) {
	for _, s := range t.skip {
		n += s
	}
	return n
}

// openTopic looks at what the topic holds. Without a state it must hold nothing,
// or appending be wanted; with one, it must hold what was written.
func openTopic(ctx context.Context, p Producer, name string, was *state, appending bool) (*topic, error) {
	ranges, err := p.Ranges(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	if len(ranges) == 0 {
		return nil, fmt.Errorf("topic %s has no partitions", name)
	}
	n := len(ranges)
	t := &topic{name: name, begin: make([]int64, n), skip: make([]int64, n), skipped: make([]int64, n), written: make([]int64, n)}
	if was == nil {
		held := int64(0)
		for i, r := range ranges {
			t.begin[i] = r.End
			held += r.End - r.First
		}
		if held > 0 && !appending {
			return nil, fmt.Errorf("topic %s holds %d records already: replay to a fresh topic, resume the replay that wrote them, or ask to append", name, held)
		}
		return t, nil
	}
	old, ok := was.Topics[name]
	if !ok {
		return nil, fmt.Errorf("the replay to be resumed did not write to topic %s: use the topics that it was started with", name)
	}
	if len(old.Begin) != n || len(old.Written) != n {
		return nil, fmt.Errorf("topic %s has %d partitions now and had %d when the replay was started: start it anew on a fresh topic", name, n, len(old.Begin))
	}
	for i, r := range ranges {
		t.begin[i] = old.Begin[i]
		there := r.End - old.Begin[i]
		t.skip[i] = there
		if was.Stopped {
			t.skip[i] = old.Written[i]
		}
		if there < t.skip[i] || there < 0 {
			return nil, fmt.Errorf("topic %s partition %d ends at offset %d, expected at least %d: it is not the topic that the replay wrote to; start it anew",
				name, i, r.End, old.Begin[i]+t.skip[i])
		}
		if there > t.skip[i] && !appending {
			return nil, fmt.Errorf("topic %s partition %d holds %d records more than the replay wrote: others write to it; ask to append to go on all the same",
				name, i, there-t.skip[i])
		}
	}
	return t, nil
}
