package chaos

import (
	"context"
	"fmt"

	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
	"presage/windower/stage"
)

// judgePlaces holds partials and committed places against the log: the first partial of a source and slice is the
// undisturbed one; a machine that goes on from the committed place makes the same partials again; and those of slices before
// the first one that it would write are acknowledged.
func (w *world) judgePlaces(ctx context.Context, want *reading) error {
	partials, err := w.partials(ctx)
	if err != nil {
		return err
	}
	for at, encoded := range partials {
		ok, other := want.allows(at, encoded)
		if other {
			w.recounted++
		}
		if !ok {
			w.Log.Error("a partial is not the undisturbed one", "topic", at.source.Topic, "partition", at.source.Partition, "slice", at.index)
			w.verdict.Different++
		}
	}
	for _, topic := range []string{want.spans, metricTopic} {
		commits, err := w.commits(ctx, stage.PartitionGroup(graph), topic)
		if err != nil {
			return err
		}
		for partition, c := range commits {
			if err := w.judgePlace(want, partials, slice.Source{Topic: topic, Partition: partition}, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) judgePlace(want *reading, partials map[part][]byte, s slice.Source, c kafka.Commit) error {
	resume, err := windower.ParseCommit(windower.Commit(c))
	if err != nil {
		w.Log.Error("a committed place can't be read", "topic", s.Topic, "partition", s.Partition, "error", err)
		w.verdict.Different++
		return nil
	}
	again, err := want.apply(s, resume)
	if err != nil {
		return err
	}
	made := map[part]bool{}
	for _, p := range again {
		at := part{s, p.Index}
		if p.Empty() {
			continue
		}
		made[at] = true
		if ok, _ := want.allows(at, content(p)); !ok {
			w.Log.Error("a restart from the committed place makes another partial", "topic", s.Topic, "partition", s.Partition, "slice", p.Index, "offset", c.Offset)
			w.verdict.Different++
		}
	}
	for at := range want.partials {
		if at.source == s && !made[at] && partials[at] == nil {
			w.Log.Error("the committed place has passed a partial that is not there", "topic", s.Topic, "partition", s.Partition, "slice", at.index, "offset", c.Offset)
			w.verdict.Lost++
		}
	}
	return nil
}

// partials reads the first partial with rows of each source and slice. Those of this traffic fit into one chunk.
func (w *world) partials(ctx context.Context) (map[part][]byte, error) {
	ends, err := w.client.Ends(ctx, partialsTopic)
	if err != nil {
		return nil, err
	}
	out := map[part][]byte{}
	err = w.client.ReadRange(ctx, partialsTopic, 0, kafka.FirstOffset, ends[0].End, func(records []kafka.Record) error {
		for _, r := range records {
			p, _, n, err := slice.DecodePartial(r.Value)
			if err == nil && n > 1 {
				err = fmt.Errorf("a partial of slice %d has %d chunks, expected one", p.Index, n)
			}
			if err != nil {
				return err
			}
			if at := (part{p.Source, p.Index}); !p.Empty() && out[at] == nil {
				out[at] = content(p)
			}
		}
		return nil
	})
	return out, err
}
