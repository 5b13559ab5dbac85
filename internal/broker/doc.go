// Package broker is an embedded Kafka broker on loopback, for the demo and for tests:
// franz-go's kfake, in memory, with every topic's log capped.
//
//	Options ──Start──▶ Broker.Addr() ◀── any Kafka client
//
// Bounds: each partition keeps at most its topic's retention in bytes, plus a
// fraction of it that is being trimmed (see Topic.RetentionBytes). What is trimmed is
// gone: a consumer that is slower than its cap gets "offset out of range" on its next
// fetch, and internal/kafka reports how many records that cost. Size a topic's cap for
// the slowest reader, or slow the writer down.
//
// The package never keeps anything on disk and never listens on anything but loopback.
package broker
