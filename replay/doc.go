// Package replay reads recorded traces in time order and feeds them to the
// telemetry topics as production would.
//
//	trace files ──▶ Source (one folder a format) ──▶ pacing, batching ──▶ OTLP records on Kafka
//
// In: a Source of items in the order of their event time. Out: records as the
// OpenTelemetry Collector writes them, and watermark records. It is a client like any
// other: of the project's rooms it imports the OTLP codec only.
package replay
