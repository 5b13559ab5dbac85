package windower

import (
	"math/rand/v2"
	"slices"
	"testing"

	"presage/windower/slice"
)

// TestExpiredSlicesAreRevised expires slices at random, restarts at random, and
// compares the last revision of every slice with what an assembler makes that waits
// for everything.
func TestExpiredSlicesAreRevised(t *testing.T) {
	revised, lost := 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 5))
		streams, width := partialStreams(t, r)
		streams = [][]chunk{withoutMetrics(t, streams[0]), withoutMetrics(t, streams[1])}
		cfg := AssemblerConfig{Graph: "g", Fingerprint: 7, Width: width, SpanTopics: []string{"spans"}, LateSlices: 1000}
		want := map[int64]*slice.Snapshot{}
		a := mustAssembler(t, cfg)
		for _, c := range slices.Concat(streams...) {
			for _, s := range c.addTo(t, a, 0) {
				want[s.Index] = s
			}
		}
		log := interleave(r, streams)
		written, late := assembleExpiring(t, r, cfg, log)
		newest := map[int64]*slice.Snapshot{}
		for _, s := range written {
			if old := newest[s.Index]; old != nil && (s.Revision != 2 || old.Revision != 1 || old.Complete) {
				t.Fatalf("seed %d: slice %d has revision %d after %d, complete %t", seed, s.Index, s.Revision, old.Revision, old.Complete)
			}
			if s.Revision == 2 {
				revised++
			}
			newest[s.Index] = s
		}
		for k, s := range newest {
			if !s.Complete || len(s.Missing) > 0 {
				t.Fatalf("seed %d: slice %d stays incomplete, missing %v", seed, k, s.Missing)
			}
			full := want[k]
			if full == nil {
				if s.Nodes.Len() > 0 {
					t.Fatalf("seed %d: slice %d should be empty", seed, k)
				}
				continue // the gap that it fills is longer if everything is there
			}
			if !sameRows(s, full) {
				t.Fatalf("seed %d: slice %d\n got %+v\nwant %+v", seed, k, s, full)
			}
		}
		for k, s := range want {
			if newest[k] == nil && s.Nodes.Len() > 0 {
				if lost++; late == 0 {
					t.Fatalf("seed %d: slice %d is missing and no loss was counted", seed, k)
				}
			}
		}
	}
	t.Logf("%d revisions, %d slices lost in gaps that had been written off", revised, lost)
	if revised < 300 {
		t.Error("too few revisions to show anything")
	}
}

// withoutMetrics leaves out what a second revision takes from the first.
func withoutMetrics(t *testing.T, stream []chunk) (spans []chunk) {
	t.Helper()
	var parts []*slice.Partial
	for _, c := range stream {
		p, i, n, err := slice.DecodePartial(c.data)
		if err != nil {
			t.Fatal(err)
		}
		if parts = append(parts, p); i+1 < n {
			continue
		}
		whole, err := slice.MergePartials(parts)
		if err != nil {
			t.Fatal(err)
		}
		parts, whole.Resources, whole.Sightings = nil, nil, nil
		for _, data := range slice.EncodePartial(whole, 100) {
			spans = append(spans, chunk{data})
		}
	}
	return spans
}

func sameRows(a, b *slice.Snapshot) bool {
	x, y := *a, *b
	x.Revision, x.Segment, x.Resources = 1, 0, nil
	y.Revision, y.Segment, y.Resources = 1, 0, nil
	return x.Equal(&y)
}

func assembleExpiring(t *testing.T, r *rand.Rand, cfg AssemblerConfig, log []chunk) (written []*slice.Snapshot, late int64) {
	t.Helper()
	a := mustAssembler(t, cfg)
	committed, restarts := int64(0), 0
	for at := 0; at < len(log); at++ {
		p, i, n, err := slice.DecodePartial(log[at].data)
		if err != nil {
			t.Fatal(err)
		}
		out := a.Add(int64(at), p, i, n)
		written = append(written, out.Snapshots...)
		if pending := a.Pending(); len(pending) > 0 && r.IntN(15) == 0 {
			expired := a.Expire(pending[r.IntN(len(pending))].Index)
			written = append(written, expired.Snapshots...)
			out.Losses = append(out.Losses, expired.Losses...)
		}
		for _, l := range out.Losses {
			if l.Reason == ReasonTooLate {
				late += l.Count
			}
			if l.Reason == ReasonRevision {
				t.Fatal("a revision was given up")
			}
		}
		if r.IntN(5) == 0 {
			committed = a.SafeOffset()
		}
		if restarts < 3 && r.IntN(30) == 0 {
			restarts++
			a = mustAssembler(t, cfg)
			a.Restore(written)
			at = int(committed) - 1
		}
	}
	return written, late
}
