// Package replay reads recorded traces in time order and feeds them to the
// telemetry topics as production would.
//
//	trace files ──▶ Source (one folder a format) ──▶ pacing, batching ──▶ OTLP records ──▶ Producer
//
// In: a Source of items in the order of their event time. Out: records as the
// OpenTelemetry Collector writes them, and watermark records. It is a client like any
// other: of the project's rooms it imports the OTLP codec only.
//
// Which records a partition gets depends on the recording and the options alone,
// never on the clock, on batches or on errors: a replay is resumed by making its records again
// and passing over those that are there. What decides about records (the window
// that a trace's spans share, bounds, watermarks) is therefore no option.
//
// Run owns one goroutine, the writer, and waits for it. Bounds: spans of open traces
// (200 000), three batches of a megabyte, and what the source holds.
package replay
