package windower

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// TestRekeyedEqualsKeyed: spans of a few traces, spread at random over the partitions of a
// topic and re-keyed into one, two or four by several owners, give the slices that the same
// spans give where they are keyed by trace id in the first place.
func TestRekeyedEqualsKeyed(t *testing.T) {
	snapshots, edges := 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 14))
		records := calmSpans(r)
		want := assembled(t, keyed(records, 1+r.IntN(4)), false)
		for _, targets := range []int{1, 2, 4} {
			got := assembled(t, rekeyed(r, records, 1+r.IntN(4), targets), true)
			if len(got) != len(want) {
				t.Fatalf("seed %d, %d targets: %d snapshots, want %d", seed, targets, len(got), len(want))
			}
			for i := range want {
				if !bytes.Equal(got[i].encoded, want[i].encoded) {
					t.Fatalf("seed %d, %d targets: slice %d\n got %+v\nwant %+v", seed, targets, want[i].Index, got[i].Snapshot, want[i].Snapshot)
				}
			}
		}
		for _, s := range want {
			snapshots++
			edges += len(s.Edges.Callee)
		}
	}
	t.Logf("%d snapshots with %d edges", snapshots, edges)
	if snapshots < 1000 || edges < 1000 {
		t.Error("too few to show anything")
	}
}

const calmLateness = 20 * second

// calmSpans are spans of calls in the order in which they are sent, none of which is late by
// more than a third of the lateness. Offsets count them.
func calmSpans(r *rand.Rand) (out []*ingest.Batch) {
	now := int64(1_700_000_000 * second)
	for i := range 40 + r.IntN(150) {
		now += r.Int64N(6 * second)
		end := now - r.Int64N(calmLateness/3)
		trace := ingest.TraceID{byte(i >> 8), byte(i), byte(r.IntN(256))}
		client := ingest.Span{
			TraceID: trace, SpanID: ingest.SpanID{1}, Kind: ingest.KindClient, Service: services[r.IntN(3)],
			Start: end - r.Int64N(calmLateness/3), End: end, Error: r.IntN(5) == 0,
		}
		server := client
		server.SpanID, server.ParentID, server.Kind, server.Service = ingest.SpanID{2}, ingest.SpanID{1}, ingest.KindServer, services[r.IntN(3)]
		server.End -= (server.End - server.Start) / 3
		spans := []ingest.Span{client, server}
		if r.IntN(6) == 0 {
			spans = spans[:1] // the other side sends none
		}
		for _, s := range spans {
			out = append(out, &ingest.Batch{Time: now, Spans: []ingest.Span{s}})
		}
	}
	// The halves of a call are apart.
	for i := 0; i+1 < len(out); i += 2 {
		if j := i + r.IntN(2); j > i {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

func traceAt(id ingest.TraceID, n int) int { return (int(id[0])*31 + int(id[1])*7 + int(id[2])) % n }

// keyed are the logs of the partitions of a topic that is keyed by trace id.
func keyed(records []*ingest.Batch, partitions int) [][]*ingest.Batch {
	logs := make([][]*ingest.Batch, partitions)
	for _, b := range records {
		p := traceAt(b.Spans[0].TraceID, partitions)
		c := *b
		c.Offset = int64(len(logs[p]))
		logs[p] = append(logs[p], &c)
	}
	for p := range logs {
		end := &ingest.Batch{Time: records[len(records)-1].Time, Watermark: 1, Final: true}
		end.Offset = int64(len(logs[p]))
		logs[p] = append(logs[p], end)
	}
	return logs
}

// mixed spreads records over the partitions of a topic, whatever their traces.
func mixed(r *rand.Rand, records []*ingest.Batch, partitions int) [][]*ingest.Batch {
	logs := make([][]*ingest.Batch, partitions)
	for i := 0; i < len(records); {
		c := &ingest.Batch{Time: records[i].Time}
		for range 1 + r.IntN(4) { // a record holds spans of several traces
			if i < len(records) {
				c.Spans = append(c.Spans, records[i].Spans...)
				c.Time = max(c.Time, records[i].Time)
				i++
			}
		}
		p := r.IntN(partitions)
		c.Offset = int64(len(logs[p]))
		logs[p] = append(logs[p], c)
	}
	for p := range logs {
		end := &ingest.Batch{Time: records[len(records)-1].Time, Watermark: 1, Final: true}
		end.Offset = int64(len(logs[p]))
		logs[p] = append(logs[p], end)
	}
	return logs
}

// rekeyed spreads records over the partitions of a topic and copies it by trace id. Each
// partition is copied by one owner after another, some of which begin before the place that the one
// before had come to, and some go on for a while beside the next.
func rekeyed(r *rand.Rand, records []*ingest.Batch, partitions, targets int) [][]*ingest.Batch {
	logs := mixed(r, records, partitions)
	out := make([][]*ingest.Batch, targets)
	type owner struct {
		source int
		Copied
	}
	var owners []*owner
	reached := make([]int64, partitions)
	for p := range logs {
		owners = append(owners, &owner{p, Copied{High: never}})
	}
	write := func(target int, b *ingest.Batch) {
		b.Offset = int64(len(out[target]))
		out[target] = append(out[target], b)
	}
	for len(owners) > 0 {
		n := r.IntN(len(owners))
		o := owners[n]
		if r.IntN(15) == 0 {
			again := &owner{o.source, Copied{High: never}}
			for back := reached[o.source] - r.Int64N(5); again.Next < back; {
				again.Take(logs[o.source][again.Next])
			}
			owners = append(owners, again)
			if r.IntN(2) == 0 {
				owners = slices.Delete(owners, n, n+1)
				continue
			}
		}
		if o.Next == int64(len(logs[o.source])) {
			owners = slices.Delete(owners, n, n+1)
			continue
		}
		b := logs[o.source][o.Next]
		o.Take(b)
		reached[o.source] = max(reached[o.source], o.Next)
		for target := range targets {
			part := &ingest.Batch{Time: b.Time, Source: ingest.Source{Partition: o.source, Partitions: partitions, Offset: b.Offset, High: o.High}}
			for _, s := range b.Spans {
				if traceAt(s.TraceID, targets) == target {
					part.Spans = append(part.Spans, s)
				}
			}
			if len(part.Spans) > 0 {
				write(target, part)
			}
			if b.Final || r.IntN(5) == 0 {
				told := part.Source
				told.Index = ingest.WholeRecord
				write(target, &ingest.Batch{Time: b.Time, Source: told})
			}
		}
	}
	return out
}

type encoded struct {
	*slice.Snapshot
	encoded []byte
}

// assembled are the snapshots of a topic's logs.
func assembled(t *testing.T, logs [][]*ingest.Batch, rekeyed bool) (out []encoded) {
	t.Helper()
	a := mustAssembler(t, AssemblerConfig{Graph: "g", Fingerprint: 7, Width: 10 * second, SpanTopics: []string{"spans"}})
	offset := int64(0)
	add := func(q *slice.Partial) {
		for _, s := range a.Add(offset, q, 0, 1).Snapshots {
			chunks, err := slice.EncodeSnapshot(s, 0)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, encoded{s, bytes.Join(chunks, nil)})
		}
		offset++
	}
	for i, log := range logs {
		p := mustPartition(t, PartitionConfig{
			Graph: "g", Fingerprint: 7, Width: 10 * second, Lateness: calmLateness, TombstoneTTL: calmLateness, Rekeyed: rekeyed,
			Source: slice.Source{Topic: "spans", Partition: i}, Partitions: len(logs),
		})
		for _, b := range log {
			o := p.Apply(b)
			for _, l := range o.Losses {
				if l.Reason != ReasonRewritten {
					t.Fatalf("partition %d of %d, re-keyed %v: lost %+v", i, len(logs), rekeyed, l)
				}
			}
			for _, q := range o.Partials {
				add(q)
			}
		}
		q, ok := p.WatermarkOnly()
		if !ok || q.Watermark != ended {
			t.Fatal(fmt.Sprint("the log has not ended: ", q))
		}
		add(q)
	}
	slices.SortFunc(out, func(a, b encoded) int { return cmp.Compare(a.Index, b.Index) })
	return out
}
