package kafka_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"presage/internal/broker"
)

// Brokers that are away are asked again: an owner that counts while they are goes on when they are back.
func TestPartitionsAreCountedPatiently(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans", Partitions: 3})
	failures := 4
	b.Cluster().ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if failures == 0 {
			return nil, nil, false
		}
		failures--
		b.Cluster().KeepControl()
		return nil, errors.New("the broker hangs up"), true
	})
	counts, err := c.Partitions(within(t), "spans")
	if err != nil || len(counts) != 1 || counts[0] != 3 {
		t.Errorf("counted %v, %v", counts, err)
	}
	if n := c.Stats().Retries["metadata"]; failures != 0 || n == 0 {
		t.Errorf("%d failures are left, %d retries are counted", failures, n)
	}
}
