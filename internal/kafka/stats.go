package kafka

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats are a client's counts since it was dialled, or since the first of those
// whose counts it goes on with was.
type Stats struct {
	Retries        map[string]int64 // by operation: fetch, produce, commit, join, offsets
	Rebalances     int64            // generations that this client took part in
	RecordsRead    int64
	BytesRead      int64 // keys and values
	RecordsWritten int64
	BytesWritten   int64
	ControlRecords int64 // transaction markers, skipped
	RecordsLost    int64 // trimmed by retention before they were read
}

type stats struct {
	mu      sync.Mutex
	retries map[string]int64

	rebalances, recordsRead, bytesRead, recordsWritten, bytesWritten, control, lost atomic.Int64
}

func (s *stats) retry(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retries == nil {
		s.retries = map[string]int64{}
	}
	s.retries[operation]++
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	s := c.stats
	out := Stats{
		Retries:        map[string]int64{},
		Rebalances:     s.rebalances.Load(),
		RecordsRead:    s.recordsRead.Load(),
		BytesRead:      s.bytesRead.Load(),
		RecordsWritten: s.recordsWritten.Load(),
		BytesWritten:   s.bytesWritten.Load(),
		ControlRecords: s.control.Load(),
		RecordsLost:    s.lost.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.retries {
		out.Retries[k] = v
	}
	return out
}

var (
	descRetries    = prometheus.NewDesc("presage_kafka_retries_total", "Requests to Kafka that failed and were sent again.", []string{"operation"}, nil)
	descRebalances = prometheus.NewDesc("presage_kafka_rebalances_total", "Consumer group generations that this process took part in.", nil, nil)
	descRead       = prometheus.NewDesc("presage_kafka_read_records_total", "Records read from Kafka.", nil, nil)
	descReadBytes  = prometheus.NewDesc("presage_kafka_read_bytes_total", "Bytes of keys and values read from Kafka.", nil, nil)
	descWritten    = prometheus.NewDesc("presage_kafka_written_records_total", "Records that Kafka acknowledged.", nil, nil)
	descWriteBytes = prometheus.NewDesc("presage_kafka_written_bytes_total", "Bytes of keys and values that Kafka acknowledged.", nil, nil)
	descControl    = prometheus.NewDesc("presage_kafka_control_records_total", "Transaction markers skipped.", nil, nil)
	descLost       = prometheus.NewDesc("presage_kafka_lost_records_total", "Records that retention removed before they were read.", nil, nil)
)

// Describe makes the client a prometheus.Collector of its Stats.
func (c *Client) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descRetries, descRebalances, descRead, descReadBytes, descWritten, descWriteBytes, descControl, descLost} {
		ch <- d
	}
}

// Collect sends the client's Stats.
func (c *Client) Collect(ch chan<- prometheus.Metric) {
	s := c.Stats()
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for operation, n := range s.Retries {
		counter(descRetries, n, operation)
	}
	counter(descRebalances, s.Rebalances)
	counter(descRead, s.RecordsRead)
	counter(descReadBytes, s.BytesRead)
	counter(descWritten, s.RecordsWritten)
	counter(descWriteBytes, s.BytesWritten)
	counter(descControl, s.ControlRecords)
	counter(descLost, s.RecordsLost)
}
