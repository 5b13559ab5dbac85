package exactness

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"presage/ingest"
	"presage/replay"
	"presage/windower"
	"presage/windower/slice"
)

const (
	partitions = 3
	width      = int64(10 * time.Second)
	lateness   = int64(20 * time.Second)
	spansTopic = "spans"
	statsTopic = "metrics"
)

// edge is an edge in a slice.
type edge struct {
	slice          int64
	caller, callee string
}

// node is a service in a slice.
type node struct {
	slice   int64
	service string
}

// counts are what is compared.
type counts struct {
	calls    map[edge]int64
	requests map[node]int64
}

func newCounts() counts { return counts{map[edge]int64{}, map[node]int64{}} }

// call counts a call that ended at a time.
func (c counts) call(endNs int64, caller, callee string) {
	c.calls[edge{endNs / width, caller, callee}]++
}

// request counts a server span.
func (c counts) request(endNs int64, service string) { c.requests[node{endNs / width, service}]++ }

func (c counts) total() (calls, requests int64) {
	for _, n := range c.calls {
		calls += n
	}
	for _, n := range c.requests {
		requests += n
	}
	return calls, requests
}

// chain is a replay.Producer that passes every record through decoder, partition
// machine and assembler at once, and all encodings between them.
type chain struct {
	decoders  map[string][]*ingest.Decoder
	machines  map[string][]*windower.Partition
	offsets   map[string][]int64
	assembler *windower.Assembler
	chunks    int64
	counts    counts
	kinds     map[slice.EdgeKind]int64
	snapshots int
	services  map[string]bool
	withCPU   int // node rows that have a CPU value
	lost      map[string]int64
}

func newChain() (*chain, error) {
	c := &chain{
		decoders: map[string][]*ingest.Decoder{}, machines: map[string][]*windower.Partition{}, offsets: map[string][]int64{},
		counts: newCounts(), kinds: map[slice.EdgeKind]int64{}, services: map[string]bool{}, lost: map[string]int64{},
	}
	for _, topic := range []string{spansTopic, statsTopic} {
		c.offsets[topic] = make([]int64, partitions)
		for i := range partitions {
			p, err := windower.NewPartition(windower.PartitionConfig{
				Graph: "g", Fingerprint: 1, Width: width, Lateness: lateness, TombstoneTTL: lateness,
				Source: slice.Source{Topic: topic, Partition: i}, Partitions: partitions,
			})
			if err != nil {
				return nil, err
			}
			c.machines[topic] = append(c.machines[topic], p)
			c.decoders[topic] = append(c.decoders[topic], ingest.NewDecoder(ingest.Options{}))
		}
	}
	var err error
	c.assembler, err = windower.NewAssembler(windower.AssemblerConfig{
		Graph: "g", Fingerprint: 1, Width: width, SpanTopics: []string{spansTopic}, MetricTopics: []string{statsTopic},
		NodeSource: windower.SpansOnly,
	})
	return c, err
}

// Ranges implements replay.Producer: the topics are empty.
func (c *chain) Ranges(context.Context, string) ([]replay.Range, error) {
	return make([]replay.Range, partitions), nil
}

// Write implements replay.Producer.
func (c *chain) Write(_ context.Context, records []replay.Record) error {
	for _, r := range records {
		signal := ingest.Spans
		if r.Topic == statsTopic {
			signal = ingest.Metrics
		}
		at := ingest.Position{Topic: r.Topic, Partition: r.Partition, Offset: c.offsets[r.Topic][r.Partition]}
		c.offsets[r.Topic][r.Partition]++
		var headers []ingest.Header
		for _, h := range r.Headers {
			headers = append(headers, ingest.Header(h))
		}
		batch, err := c.decoders[r.Topic][r.Partition].Decode(signal, at, r.Time, headers, r.Value)
		if err != nil {
			return err
		}
		for reason, n := range batch.Lost {
			c.lose("ingest: "+ingest.Loss(reason).String(), n)
		}
		out := c.machines[r.Topic][r.Partition].Apply(batch)
		for _, l := range out.Losses {
			c.lose("windower: "+string(l.Reason)+" "+r.Topic, l.Count)
		}
		for _, p := range out.Partials {
			if err := c.assemble(p); err != nil {
				return err
			}
		}
		if r.Headers != nil && len(out.Partials) == 0 { // as the shell does, at most once a second
			if p, ok := c.machines[r.Topic][r.Partition].WatermarkOnly(); ok {
				if err := c.assemble(p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *chain) lose(reason string, n int64) {
	if n > 0 {
		c.lost[reason] += n
	}
}

func (c *chain) assemble(p *slice.Partial) error {
	for _, chunk := range slice.EncodePartial(p, 512<<10) {
		part, i, n, err := slice.DecodePartial(chunk)
		if err != nil {
			return err
		}
		out := c.assembler.Add(c.chunks, part, i, n)
		c.chunks++
		for _, l := range out.Losses {
			c.lose("assembler: "+string(l.Reason), l.Count)
		}
		for _, s := range out.Snapshots {
			if err := c.count(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// count takes a snapshot, as it is read from its topic.
func (c *chain) count(written *slice.Snapshot) error {
	chunks, err := slice.EncodeSnapshot(written, 512<<10)
	if err != nil {
		return err
	}
	s, err := slice.DecodeSnapshot(chunks)
	if err != nil {
		return err
	}
	if !s.Complete || s.Revision != 1 {
		return fmt.Errorf("slice %d: complete %t, revision %d, missing %v", s.Index, s.Complete, s.Revision, s.Missing)
	}
	c.snapshots++
	callers := s.Edges.Callers()
	for i, callee := range s.Edges.Callee {
		calls := int64(s.Edges.Calls[i])
		if float64(calls) != s.Edges.Calls[i] {
			return fmt.Errorf("slice %d: %g calls", s.Index, s.Edges.Calls[i])
		}
		c.counts.calls[edge{s.Index, s.Nodes.Service[callers[i]], s.Nodes.Service[callee]}] += calls
		c.kinds[slice.EdgeKind(s.Edges.Kind[i])] += calls
	}
	for i, service := range s.Nodes.Service {
		c.services[service] = true
		if n, ok := s.Nodes.Requests.At(i); ok && n > 0 {
			c.counts.requests[node{s.Index, service}] += int64(n)
		}
		if _, ok := s.Nodes.CPU.At(i); ok {
			c.withCPU++
		}
	}
	return nil
}

// through sends a recording through the chain.
func through(t *testing.T, open replay.Opener) (*chain, replay.Report) {
	t.Helper()
	c, err := newChain()
	if err != nil {
		t.Fatal(err)
	}
	report, err := replay.Run(t.Context(), replay.Options{SpansTopic: spansTopic, MetricsTopic: statsTopic}, open, c)
	if err != nil {
		t.Fatal(err)
	}
	return c, report
}

// compare reports every slice and edge whose counts differ.
func compare(t *testing.T, got *chain, want counts) {
	t.Helper()
	calls, requests := want.total()
	t.Logf("%d calls in %d cells, %d requests, %d snapshots, %d services; calls by kind %v, lost %v",
		calls, len(want.calls), requests, got.snapshots, len(got.services), got.kinds, got.lost)
	if calls == 0 {
		t.Fatal("nothing was counted in the file")
	}
	differences(t, "edge", got.counts.calls, want.calls)
	if requests > 0 { // else the file doesn't tell which side reported
		differences(t, "node", got.counts.requests, want.requests)
	}
}

func differences[K comparable](t *testing.T, what string, got, want map[K]int64) {
	t.Helper()
	var list []string
	for k, n := range want {
		if got[k] != n {
			list = append(list, fmt.Sprintf("%s %v: %d in the file, %d in the slice", what, k, n, got[k]))
		}
	}
	for k, n := range got {
		if _, ok := want[k]; !ok {
			list = append(list, fmt.Sprintf("%s %v: none in the file, %d in the slice", what, k, n))
		}
	}
	slices.Sort(list)
	for i, s := range list {
		if i == 10 {
			t.Errorf("and %d more differences", len(list)-i)
			break
		}
		t.Error(s)
	}
}
