package stage

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"presage/ingest"
)

// rekeyMetrics are the counters and gauges of RunRekey, by source topic and partition.
type rekeyMetrics struct {
	records, written, spans, bytes, heartbeats *prometheus.CounterVec
	lag, high                                  *prometheus.GaugeVec
}

func newRekeyMetrics() *rekeyMetrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"topic", "partition"})
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"topic", "partition"})
	}
	return &rekeyMetrics{
		records:    counter("presage_rekey_records_read_total", "Records read to be re-keyed."),
		written:    counter("presage_rekey_records_written_total", "Records of spans written to the re-keyed topic."),
		spans:      counter("presage_rekey_spans_total", "Spans written to the re-keyed topic."),
		bytes:      counter("presage_rekey_bytes_written_total", "Bytes of the values written to the re-keyed topic."),
		heartbeats: counter("presage_rekey_heartbeats_total", "Records that only tell how far a source partition is."),
		lag:        gauge("presage_rekey_lag_records", "Records between the place that was copied and the source partition's end."),
		high:       gauge("presage_rekey_event_time_seconds", "Highest event time of a source partition, Unix seconds."),
	}
}

func (m *rekeyMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.records, m.written, m.spans, m.bytes, m.heartbeats, m.lag, m.high}
}

// copied counts what is acknowledged.
func (m *rekeyMetrics) copied(topic string, partition, read, written, heartbeats, spans, bytes int) {
	at := strconv.Itoa(partition)
	for _, c := range []struct {
		counter *prometheus.CounterVec
		n       int
	}{{m.records, read}, {m.written, written}, {m.heartbeats, heartbeats}, {m.spans, spans}, {m.bytes, bytes}} {
		c.counter.WithLabelValues(topic, at).Add(float64(c.n))
	}
}

func (m *rekeyMetrics) show(topic string, partition int, lag, high int64) {
	at := strconv.Itoa(partition)
	m.lag.WithLabelValues(topic, at).Set(float64(lag))
	if high != ingest.NoTime && high != ingest.EndOfTime {
		m.high.WithLabelValues(topic, at).Set(float64(high) / 1e9)
	}
}

// forget removes the gauges of a partition that this process no longer owns.
func (m *rekeyMetrics) forget(topic string, partition int) {
	m.lag.DeleteLabelValues(topic, strconv.Itoa(partition))
	m.high.DeleteLabelValues(topic, strconv.Itoa(partition))
}
