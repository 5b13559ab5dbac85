package kafka_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"presage/internal/broker"
	"presage/internal/kafka"
)

func TestLostRecordsAreCountedByPartition(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans", Partitions: 2})
	for p := range 2 {
		fill(t, c, "spans", p, 0, 10)
		if err := b.Cluster().DeleteRecords("spans", int32(p), int64(3+p)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Read("spans", p, 0, kafka.FetchConfig{MaxWait: time.Millisecond}).Fetch(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	want := `
# HELP presage_kafka_lost_records_total Records that were not read: retention removed them before, or on_lost_offset passed over them.
# TYPE presage_kafka_lost_records_total counter
presage_kafka_lost_records_total{partition="0",topic="spans"} 3
presage_kafka_lost_records_total{partition="1",topic="spans"} 4
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "presage_kafka_lost_records_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, error %v", problems, err)
	}
}
