package stage

import (
	"math"
	"slices"
	"testing"
	"time"

	"presage/internal/kafka"
	"presage/windower/slice"
)

func TestGap(t *testing.T) {
	const width = 10
	rows := func(p int, index, watermark int64) *slice.Partial {
		return &slice.Partial{
			Header: slice.Header{Index: index, Width: width, Source: slice.Source{Topic: "spans", Partition: p}, Partitions: 2, Watermark: watermark},
			Nodes:  []slice.NodePart{{Service: "a"}},
		}
	}
	mark := func(p int, watermark int64) *slice.Partial {
		q := rows(p, watermark/width, watermark)
		q.Nodes = nil
		return q
	}
	type step struct {
		p      *slice.Partial
		skip   bool
		passed bool
	}
	tests := []struct {
		name  string
		after int64
		steps []step
	}{
		{"one partition is ahead", math.MinInt64, []step{
			{rows(0, 100, 1012), true, false}, {rows(0, 101, 1022), true, false}, {rows(1, 90, 912), true, false},
			{rows(1, 91, 922), true, false}, {rows(0, 102, 1032), false, false}, {rows(1, 101, 1022), true, true}, {rows(1, 102, 1032), false, true},
		}},
		{"watermarks alone", math.MinInt64, []step{
			{mark(0, 1005), true, false}, {mark(1, 955), true, false}, {rows(1, 99, 1000), true, false}, {rows(1, 100, 1012), true, false}, {rows(1, 101, 1022), false, false},
		}},
		{"an empty partition", math.MinInt64, []step{{rows(0, 100, 1012), true, false}, {mark(1, math.MinInt64), true, true}, {rows(0, 101, 1022), false, true}}},
		{"a finished partition", math.MinInt64, []step{{rows(0, 100, 1012), true, false}, {mark(1, math.MaxInt64), true, true}, {rows(0, 101, 1022), false, true}}},
		{"soon after what was written", 98, []step{{rows(0, 100, 1012), true, false}, {rows(1, 100, 1012), true, false}, {rows(1, 104, 1052), true, false}, {rows(1, 105, 1062), false, false}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newGap(width, []string{"spans"}, test.after)
			for i, s := range test.steps {
				if skip := g.skip(s.p); skip != s.skip || g.passed() != s.passed {
					t.Errorf("step %d: skip %v, passed %v", i, skip, g.passed())
				}
			}
		})
	}
}

// TestTrimmedPartials starts an assembler when part of the partials are gone: what it
// writes all the same must be right.
func TestTrimmedPartials(t *testing.T) { trimmed(t, true) }

// TestTrimmedPartialsBeforeTheFirstCommit: nothing but the topic itself tells that
// something is gone, as after an outage for which the brokers forget a group.
func TestTrimmedPartialsBeforeTheFirstCommit(t *testing.T) { trimmed(t, false) }

func trimmed(t *testing.T, assembled bool) {
	b := startBroker(t)
	c := dial(t, b)
	log := randomLog(21, 3000)
	encoded, _ := inMemory(t, testGraph(), log)
	want := map[int64]*slice.Snapshot{}
	var last int64
	for _, e := range encoded {
		s, err := slice.DecodeSnapshot([][]byte{e})
		if err != nil {
			t.Fatal(err)
		}
		want[s.Index], last = s, s.Index
	}
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	partials := kafka.Partition([]byte("shop"), 2)
	half := len(log) / 2
	if err := p.Write(within(t), log[:half]); err != nil {
		t.Fatal(err)
	}
	var before []*slice.Snapshot
	if assembled {
		stop := pipeline(t, options(t, c, testGraph()))
		before = next(t, c, len(want)/3)
		stop()
	}
	stop := windowerOnly(t, options(t, c, testGraph()))
	for rest := log[half:]; len(rest) > 0; rest = rest[min(200, len(rest)):] { // so that the partitions go on together
		if err := p.Write(within(t), rest[:min(200, len(rest))]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	waitForEnd(t, c, "partials", partials, int64(len(want)*3-10))
	stop()
	ends, err := c.Ends(within(t), "partials")
	if err != nil {
		t.Fatal(err)
	}
	read := int64(0)
	if assembled {
		committed, err := c.Committed(within(t), AssemblerGroup("shop"), "partials")
		if err != nil {
			t.Fatal(err)
		}
		read = committed[partials].Offset
	}
	unread := ends[partials].End - read
	if unread < 100 {
		t.Fatalf("%d partials are left to be read: too few to trim some", unread)
	}
	if err := b.Cluster().DeleteRecords("partials", int32(partials), read+unread/2); err != nil {
		t.Fatal(err)
	}
	o := options(t, c, testGraph())
	stop = pipeline(t, o)
	var got []*slice.Snapshot
	for n := max(len(before), 1); len(got) == 0 || got[len(got)-1].Index < last; n++ {
		got = next(t, c, n)
	}
	stop()
	for _, s := range got {
		w := want[s.Index]
		if !s.Complete || len(s.Nodes.Service) != len(w.Nodes.Service) || !slices.Equal(s.Nodes.Requests.Value, w.Nodes.Requests.Value) || !slices.Equal(s.Edges.Calls, w.Edges.Calls) {
			t.Errorf("slice %d is marked complete and is not: %v, expected %v", s.Index, s.Nodes.Requests, w.Nodes.Requests)
		}
	}
	t.Logf("%d of %d slices were written, some %d before the gap; left out: %v", len(got), len(want), len(before), o.Metrics.Totals().PartialLoss)
	if o.Metrics.Totals().PartialLoss["gap"] == 0 {
		t.Error("nothing was left out")
	}
}
