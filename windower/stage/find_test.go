package stage

import (
	"context"
	"fmt"
	"testing"

	"presage/internal/kafka"
)

// TestFindSlice looks for every slice of a topic that two graphs share, with second
// revisions and several chunks a slice, and checks that nothing before the offset is needed.
func TestFindSlice(t *testing.T) {
	c := dial(t, startBroker(t))
	partition := kafka.Partition([]byte("shop"), 2)
	var log []kafka.Record
	add := func(format string, args ...any) {
		log = append(log, kafka.Record{Topic: "slices", Partition: partition, Key: fmt.Appendf(nil, format, args...), Value: []byte("x")})
	}
	const n = 2000
	for i := range n {
		for chunk := range 1 + i%3 {
			add("shop/%d/1/%d", 1000+i, chunk)
		}
		if i%7 == 0 {
			add("shop/%d/2/0", 1000+i-3)
		}
		if i%5 == 0 {
			add("shop/x/%d/1/0", 1000-i) // of the graph shop/x
		}
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), log); err != nil {
		t.Fatal(err)
	}
	cfg := SlicesConfig{Client: c, Topic: "slices", Graph: "shop"}
	for index := int64(900); index < 3100; index += 37 {
		offset, err := FindSlice(within(t), cfg, index)
		if err != nil {
			t.Fatal(err)
		}
		for at, r := range log[:offset] {
			if k, ok := firstRevision("shop", r.Key); ok && k >= index {
				t.Fatalf("offset %d is behind slice %d at %d", offset, k, at)
			}
		}
		if lead := int64(len(log)) - offset; index > 1000 && index < 3000 && lead > (3000-index)*3+200 {
			t.Errorf("slice %d: offset %d is far too early", index, offset)
		}
	}
	empty := SlicesConfig{Client: c, Topic: "partials", Graph: "shop"}
	if offset, err := FindSlice(context.WithoutCancel(within(t)), empty, 5); err != nil || offset != 0 {
		t.Errorf("offset %d of an empty topic, error %v", offset, err)
	}
}
