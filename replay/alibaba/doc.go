// Package alibaba reads the public Alibaba cluster traces of 2018, 2021 and 2022.
//
//	call graph files ──▶ table (sorted by start) ──▶ groups ──▶ fold ──▶ spans ──┐
//	resource and rate files ──▶ table (sorted by time) ──▶ metrics ──────────────┴──▶ source
//
// In: the traces' CSV files as they are downloaded. Out: a replay.Source of spans and
// metrics in the order of their event time. Rows of the call graph are folded into
// calls: a call that both sides reported is a client and a server span, one that one side
// reported is that side's span naming the other in service.peer.name. A span is never invented for
// a service that did not report.
//
// Memory is bounded by Options: rows are sorted on disk, and rows of the call graph
// are held for five minutes of trace time or up to a cap.
package alibaba
