package kafka

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats are a client's counts since it was dialled, or since the first of those
// whose counts it goes on with was.
type Stats struct {
	Retries        map[string]int64 // by operation: fetch, produce, commit, join, offsets, metadata
	Failures       map[string]int64 // requests that were given up, by operation
	Rebalances     int64            // generations that this client took part in
	RecordsRead    int64
	BytesRead      int64 // keys and values
	RecordsWritten int64
	BytesWritten   int64
	ControlRecords int64 // transaction markers, skipped
	RecordsLost    int64 // trimmed by retention before they were read, or skipped by policy since
	// BytesUnacknowledged are under way to the brokers, BytesUnapplied were fetched and are still in work.
	BytesUnacknowledged, BytesUnapplied int64
}

type stats struct {
	mu                sync.Mutex
	retries, failures map[string]int64
	lost              map[place]int64

	rebalances, recordsRead, bytesRead, recordsWritten, bytesWritten, control atomic.Int64
	unacknowledged, unapplied                                                 atomic.Int64
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

func (s *stats) retry(operation string) { add(s, &s.retries, operation, 1) }
func (s *stats) fail(operation string)  { add(s, &s.failures, operation, 1) }

func (s *stats) lose(topic string, partition int, n int64) {
	add(s, &s.lost, place{topic, partition}, n)
}

func add[K comparable](s *stats, counts *map[K]int64, key K, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *counts == nil {
		*counts = map[K]int64{}
	}
	(*counts)[key] += n
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	s := c.stats
	out := Stats{
		Rebalances:          s.rebalances.Load(),
		RecordsRead:         s.recordsRead.Load(),
		BytesRead:           s.bytesRead.Load(),
		RecordsWritten:      s.recordsWritten.Load(),
		BytesWritten:        s.bytesWritten.Load(),
		ControlRecords:      s.control.Load(),
		BytesUnacknowledged: s.unacknowledged.Load(),
		BytesUnapplied:      s.unapplied.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Retries, out.Failures = maps.Clone(s.retries), maps.Clone(s.failures)
	for _, n := range s.lost {
		out.RecordsLost += n
	}
	return out
}

var (
	descRetries    = prometheus.NewDesc("presage_kafka_retries_total", "Requests to Kafka that failed and were sent again.", []string{"operation"}, nil)
	descFailures   = prometheus.NewDesc("presage_kafka_failures_total", "Requests to Kafka that were given up.", []string{"operation"}, nil)
	descRebalances = prometheus.NewDesc("presage_kafka_rebalances_total", "Consumer group generations that this process took part in.", nil, nil)
	descRead       = prometheus.NewDesc("presage_kafka_read_records_total", "Records read from Kafka.", nil, nil)
	descReadBytes  = prometheus.NewDesc("presage_kafka_read_bytes_total", "Bytes of keys and values read from Kafka.", nil, nil)
	descWritten    = prometheus.NewDesc("presage_kafka_written_records_total", "Records that Kafka acknowledged.", nil, nil)
	descWriteBytes = prometheus.NewDesc("presage_kafka_written_bytes_total", "Bytes of keys and values that Kafka acknowledged.", nil, nil)
	descInFlight   = prometheus.NewDesc("presage_kafka_in_flight_bytes", "Bytes sent and not yet acknowledged (direction write); bytes fetched and not yet applied (read).", []string{"direction"}, nil)
	descControl    = prometheus.NewDesc("presage_kafka_control_records_total", "Transaction markers skipped.", nil, nil)
	descLost       = prometheus.NewDesc("presage_kafka_lost_records_total", "Records that were not read: retention removed them before, or on_lost_offset passed over them.", []string{"topic", "partition"}, nil)
)

// Describe makes the client a prometheus.Collector of its Stats.
func (c *Client) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descRetries, descFailures, descRebalances, descRead, descReadBytes, descWritten, descWriteBytes, descInFlight, descControl, descLost} {
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
	for operation, n := range s.Failures {
		counter(descFailures, n, operation)
	}
	counter(descRebalances, s.Rebalances)
	counter(descRead, s.RecordsRead)
	counter(descReadBytes, s.BytesRead)
	counter(descWritten, s.RecordsWritten)
	counter(descWriteBytes, s.BytesWritten)
	ch <- prometheus.MustNewConstMetric(descInFlight, prometheus.GaugeValue, float64(s.BytesUnacknowledged), "write")
	ch <- prometheus.MustNewConstMetric(descInFlight, prometheus.GaugeValue, float64(s.BytesUnapplied), "read")
	counter(descControl, s.ControlRecords)
	for p, n := range c.stats.losses() {
		counter(descLost, n, p.topic, strconv.Itoa(p.partition))
	}
}

func (s *stats) losses() map[place]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.lost)
}
