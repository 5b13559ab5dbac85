package stage

import (
	"time"

	"presage/ingest"
	"presage/internal/kafka"
)

// tellings are what the partitions of the re-keyed topic were told of a source partition, and
// what lets an idle one's event time go on.
type tellings struct {
	told    []telling // by partition of the re-keyed topic
	silence silence   // of the source
	waived  bool      // it is idle, and has no event time: nobody needs to wait for it
}

// telling is what one of them was told last.
type telling struct {
	high int64
	at   time.Time // zero: nothing yet
}

// hear makes room for so many partitions. New ones have been told nothing.
func (t *tellings) hear(partitions int) {
	for len(t.told) < partitions {
		t.told = append(t.told, telling{high: ingest.NoTime})
	}
}

// said notes that a record told a partition of an event time.
func (t *tellings) said(partition int, high int64, at time.Time) {
	t.told[partition] = telling{high, at}
}

// idle lets the event time of a partition without records follow the wall clock. That is in
// the log it is told to, so nothing needs to be committed first: windowers that read the log
// again do the same.
func (c *copier) idle(atEnd, news bool) {
	now := c.Now()
	if !c.silence.idle(now, &c.Graph, atEnd, news, c.copied.High) {
		return
	}
	switch c.copied.High {
	case ingest.NoTime:
		c.waived = true
		return
	case ingest.EndOfTime:
		return
	}
	if to, ok := c.silence.step(now, &c.Graph); ok {
		c.silence.stepAt = now
		c.copied.Idle(to)
		c.Metrics.advances.WithLabelValues(c.Graph.Name).Inc()
	}
}

// tell adds a heartbeat for every partition that is due one: it says how far the source is,
// where that partition got no spans that say it.
func (c *copier) tell() {
	now := c.Now()
	for p := range c.told {
		if !c.due(&c.told[p], now) {
			continue
		}
		c.out = append(c.out, kafka.Record{Topic: c.to, Partition: p, Headers: c.source(c.copied.Next-1, ingest.WholeRecord, ingest.NoTime)})
		c.said(p, c.copied.High, now)
	}
}

// due: event time has passed the end of a slice since the partition was told, or that was long
// ago. Before the first event there is nothing to tell, but that the source is empty.
func (c *copier) due(t *telling, now time.Time) bool {
	high, since := c.copied.High, now.Sub(t.at)
	switch {
	case high == ingest.NoTime && !c.waived:
		return false
	case high == ingest.EndOfTime && t.high != high:
		return true
	case since < tellEvery:
		return false
	case since >= retellEvery:
		return true
	case t.high == ingest.NoTime || high == ingest.EndOfTime || high == ingest.NoTime:
		return t.high != high
	}
	width, lateness := c.Graph.Width.Nanoseconds(), c.Graph.Lateness.Nanoseconds()
	return (high-lateness)/width > (t.high-lateness)/width
}
