package windower_test

import (
	"fmt"

	"presage/ingest"
	"presage/windower"
	"presage/windower/slice"
)

// A record goes in, the end of the recording closes the slice, its partial makes
// the snapshot.
func Example() {
	const second = 1_000_000_000
	p, err := windower.NewPartition(windower.PartitionConfig{
		Graph: "shop", Width: 10 * second, Lateness: 5 * second, TombstoneTTL: 5 * second,
		Source: slice.Source{Topic: "spans", Partition: 0}, Partitions: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := windower.NewAssembler(windower.AssemblerConfig{Graph: "shop", Width: 10 * second, SpanTopics: []string{"spans"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := ingest.Span{SpanID: ingest.SpanID{1}, Kind: ingest.KindClient, Service: "web", Start: 100 * second, End: 103 * second}
	server := ingest.Span{SpanID: ingest.SpanID{2}, ParentID: ingest.SpanID{1}, Kind: ingest.KindServer, Service: "cart", Start: 101 * second, End: 102 * second}
	for offset, b := range []ingest.Batch{{Spans: []ingest.Span{client, server}}, {Final: true}} {
		b.Offset = int64(offset)
		for _, partial := range p.Apply(&b).Partials {
			for _, s := range a.Add(0, partial, 0, 1).Snapshots {
				first, _ := s.Edges.Of(1)
				fmt.Printf("slice %d: %v, %g call of %g ms\n", s.Index, s.Nodes.Service, s.Edges.Calls[first], s.Edges.Mean[first])
			}
		}
	}
	// Output: slice 10: [cart web], 1 call of 1000 ms
}
