package windower

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// copying is a topic that is copied by trace id into one that grows meanwhile.
type copying struct {
	*rand.Rand
	logs    [][]*ingest.Batch // of the source partitions
	ends    []int64           // how much of each is there by now
	stored  []*Commit         // of each, what its owners have committed
	targets [][]*ingest.Batch // logs of the target's partitions
	grown   int               // how often
	again   int               // takings-over in a topic that has more partitions than the commit says
}

// copyist copies a source partition, as stage.copier does.
type copyist struct {
	*copying
	source int
	Copied
	began   int64
	fresh   bool                    // nothing may be split before the commit
	pending map[int][]*ingest.Batch // what is read and not yet written, by target
}

// copyist takes a source partition over.
func (c *copying) copyist(source int) *copyist {
	o := &copyist{copying: c, source: source, began: c.ends[source], pending: map[int][]*ingest.Batch{}}
	var stored Commit
	if c.stored[source] != nil {
		stored = *c.stored[source]
	}
	o.Copied, o.fresh, _ = ResumeCopied(stored, c.stored[source] != nil, len(c.targets))
	if o.Targets < len(c.targets) {
		c.again++
	}
	return o
}

func (o *copyist) commit() {
	stored := o.Commit()
	o.stored[o.source], o.fresh = &stored, false
}

// read splits the next record. A process that has lost the partition doesn't (see copier.prove).
func (o *copyist) read() {
	b := o.logs[o.source][o.Next]
	o.Take(b)
	for target := range o.Targets {
		part := &ingest.Batch{Time: b.Time, Source: o.told(b.Offset, 0)}
		for _, s := range b.Spans {
			if traceAt(s.TraceID, o.Targets) == target {
				part.Spans = append(part.Spans, s)
			}
		}
		if len(part.Spans) > 0 {
			o.pending[target] = append(o.pending[target], part)
		}
	}
}

func (o *copyist) told(offset, index int64) ingest.Source {
	return ingest.Source{Partition: o.source, Partitions: len(o.logs), Offset: offset, Index: index, High: o.High}
}

// write writes the next of what waits for one target, whichever; no order is kept between them.
func (o *copyist) write() {
	waiting := slices.Sorted(maps.Keys(o.pending))
	target := waiting[o.IntN(len(waiting))]
	o.append(target, o.pending[target][0])
	if o.pending[target] = o.pending[target][1:]; len(o.pending[target]) == 0 {
		delete(o.pending, target)
	}
}

func (c *copying) append(target int, b *ingest.Batch) {
	piece := *b
	piece.Offset = int64(len(c.targets[target]))
	c.targets[target] = append(c.targets[target], &piece)
}

// step does the next thing that an owner may do.
func (o *copyist) step() {
	switch end := o.ends[o.source]; {
	case o.fresh:
		o.commit()
	case len(o.pending) > 0 && (o.IntN(4) > 0 || o.Next == end):
		o.write()
	case o.Next < end && (len(o.pending) > 0 || o.IntN(3) > 0):
		o.read()
	case len(o.pending) > 0:
	case o.IntN(4) == 0:
		if before := o.Targets; o.Grow(len(o.targets), o.began) {
			o.commit()
			o.grown++
			if o.Targets <= before {
				panic("it has not grown")
			}
		}
	case o.IntN(2) == 0:
		o.commit()
	case o.High != never:
		o.append(o.IntN(len(o.targets)), &ingest.Batch{Source: o.told(o.Next-1, ingest.WholeRecord)})
	}
}

// TestRekeyedTopicGrows: while the topic that is written gets more partitions, once and again,
// owners of the source partitions die at any moment, before or after they have changed over, and
// some of what the dead had read comes late. Each span counts once all the same.
func TestRekeyedTopicGrows(t *testing.T) {
	runs := 1500
	if testing.Short() {
		runs = 500
	}
	grown, again, rewritten, spans := 0, 0, int64(0), 0
	for seed := range uint64(runs) {
		c := &copying{Rand: rand.New(rand.NewPCG(seed, 21))}
		records := calmSpans(c.Rand)
		c.logs = mixed(c.Rand, records, 1+c.IntN(3))
		c.ends, c.stored = make([]int64, len(c.logs)), make([]*Commit, len(c.logs))
		c.targets = make([][]*ingest.Batch, 1+c.IntN(3))
		c.copy(1 + c.IntN(3))
		grown, again, spans = grown+c.grown, again+c.again, spans+len(records)
		rewritten += c.check(t, fmt.Sprint("seed ", seed), records)
	}
	t.Logf("%d spans, %d changes of the number they are split by, %d owners took over before one, %d spans came twice", spans, grown, again, rewritten)
	if grown < 2*runs || again < runs || rewritten == 0 {
		t.Error("too few to show anything")
	}
}

// copy copies all there is while the target grows so often.
func (c *copying) copy(growths int) {
	owners := make([]*copyist, len(c.logs))
	for i := range owners {
		owners[i] = c.copyist(i)
	}
	var dead []*copyist
	for {
		i := c.IntN(len(owners))
		o := owners[i]
		switch n := c.IntN(60); {
		case n == 0 && growths > 0:
			growths--
			c.targets = append(c.targets, make([][]*ingest.Batch, 1+c.IntN(3))...)
		case n == 1:
			if c.IntN(2) == 0 && len(o.pending) > 0 {
				dead = append(dead, o)
			}
			owners[i] = c.copyist(i)
		case n < 20 && len(dead) > 0: // what it had sent arrives
			d := c.IntN(len(dead))
			if dead[d].write(); len(dead[d].pending) == 0 {
				dead = slices.Delete(dead, d, d+1)
			}
		case n < 45:
			o.step()
		case c.ends[i] < int64(len(c.logs[i])):
			c.ends[i]++
		default:
			if growths == 0 && !slices.ContainsFunc(owners, (*copyist).busy) {
				for _, o := range owners {
					for target := range c.targets {
						c.append(target, &ingest.Batch{Source: o.told(o.Next-1, ingest.WholeRecord)})
					}
				}
				return
			}
		}
	}
}

func (o *copyist) busy() bool {
	return o.fresh || len(o.pending) > 0 || o.Next < int64(len(o.logs[o.source])) || o.Targets < len(o.targets)
}

// check counts the spans in the slices of all targets, and returns how many had come before.
func (c *copying) check(t *testing.T, name string, records []*ingest.Batch) (rewritten int64) {
	t.Helper()
	type row struct {
		slice   int64
		service string
	}
	want, got, counted := map[row]int64{}, map[row]int64{}, 0
	for _, b := range records {
		for _, s := range b.Spans {
			if s.Kind.Serves() {
				want[row{floor(s.End, 10*second), s.Service}]++
			}
		}
	}
	for i, log := range c.targets {
		p := mustPartition(t, PartitionConfig{
			Graph: "g", Fingerprint: 7, Width: 10 * second, Lateness: calmLateness, TombstoneTTL: calmLateness, Rekeyed: true,
			Source: slice.Source{Topic: "spans", Partition: i}, Partitions: len(c.targets),
		})
		for _, b := range log {
			o := p.Apply(b)
			counted += o.Spans
			for _, l := range o.Losses {
				switch l.Reason {
				case ReasonRewritten:
					rewritten += l.Count
				case ReasonPairedLate: // the number has changed between the halves of a call, and again
				default:
					t.Fatalf("%s: target %d lost %+v", name, i, l)
				}
			}
			for _, q := range o.Partials {
				for _, n := range q.Nodes {
					got[row{q.Index, n.Service}] += n.Spans
				}
			}
		}
		if p.Watermark() != ended {
			t.Fatalf("%s: target %d has not ended", name, i)
		}
	}
	maps.DeleteFunc(got, func(_ row, n int64) bool { return n == 0 }) // services that only call
	if !maps.Equal(got, want) || counted != len(records) {
		t.Fatalf("%s: spans are missing or count twice\n got %d %v\nwant %d %v", name, counted, got, len(records), want)
	}
	return rewritten
}
