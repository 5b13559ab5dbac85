// Package calls reads recordings that hold one call a row: a CSV file with the
// caller, the callee, the start and the latency of each call.
//
//	calls*.csv ──▶ rows sorted by the call's end ──▶ client and server half, or internal span ──▶ replay.Item
//	                                            └──▶ the callee's resource readings, when they change
//
// A row with different caller and callee becomes a client and a server span with
// equal times; one with the same name twice an internal span. The rows don't tell which
// call made which, so that calls of a trace are not joined further than that. Names of
// columns and units are options; the defaults fit the TrainTicket recording of 2019.
//
// Bounds: sorting spills to disk above Options.SortBytes. Names of services are kept.
package calls
