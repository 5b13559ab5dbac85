// Package kafka is the one place that speaks Kafka for the pipeline's rooms:
// connecting with an early and clear error, creating topics and comparing those that
// exist, reading partitions in a consumer group with commits that carry metadata, and
// writing with all acks. What the brokers refuse ends with who lacks what, and how to
// grant it (rights.go).
//
// It wraps segmentio/kafka-go and steps around its traps (see the Not obvious list in
// ARCHITECTURE.md). It knows nothing of what the records mean.
package kafka
