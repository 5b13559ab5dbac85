// Package ingest is the first room of the flow: it turns records of the
// telemetry topics into batches of spans and metric samples.
//
//	telemetry topics ──▶ Decoder ──▶ Batch (spans, samples, watermark) ──▶ windower
//
// In: the bytes, timestamp, headers and position of one Kafka record. Out: one
// Batch for each record, or an error that says why the record can't be read; the
// caller keeps such a record as a dead letter and goes on.
//
// The package never groups, orders or drops events by time: that is the
// windower's job. It holds no state but interned strings, so that what a record is
// decoded to depends on that record alone. Bounds: the size of a record and what may
// be in it (Options.Limits), the length of names, the size of the tables of interned
// strings.
//
// docs/format/telemetry.md says which attributes and metrics are read, and in which
// order of preference.
package ingest
