// Package nezha reads the testbed recordings of TrainTicket and Online Boutique
// that came with Nezha: spans and pod metrics as CSV files.
//
//	traces_*.csv, *_trace.csv ──▶ traces (kinds from parents) ──▶ sorted by end ─┐
//	metrics_*.csv, *_metric.csv ──────────────▶ sorted by time ──────────────────┴▶ replay.Item
//
// The files hold no span kinds. A root span, and a span whose parent is of another
// service, is a server span; the parent of such a span is its client; all others are
// internal. A span that is both stays a server span, and the spans that it calls name it in
// service.peer.name: no span is made up. A service is a pod's name without the suffixes
// of its replica set and pod.
//
// The minutes that were recorded overlap, so that the files hold some spans twice: the
// second of two equal rows is counted and left out.
//
// Bounds: the spans of a trace are looked for in a window of rows (Options.TraceRows);
// sorting spills to disk above Options.SortBytes. Names of pods are kept.
package nezha
