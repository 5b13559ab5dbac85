// Package windower cuts the stream of events into time slices of the service
// graph, exactly: a snapshot is a function of the telemetry topics' logs and of
// nothing else.
//
//	ingest.Batch ──▶ Partition ──▶ slice.Partial ──▶ presage.partials ──▶ Assembler ──▶ slice.Snapshot
//
// Partition is the machine of one partition of a telemetry topic; Assembler joins
// the partials of all partitions of a graph. Both are pure: they start no goroutine,
// read no clock and do no I/O.
//
// Duties of the one who drives a Partition:
//
//  1. restore it with ParseCommit from what was committed last, and read on from the
//     commit's offset;
//  2. give every record to Apply, in order; one that can't be decoded as a Batch with
//     its Position alone (its dead letter is written unless Replayed says that it was);
//  3. write the partials of every Output, in their order, and remember which are not
//     acknowledged;
//  4. now and then Commit with the lowest slice not acknowledged: what Commit returns
//     may be stored at once;
//  5. at the end of an idle partition call AtEnd, store the commit that PlanAdvance gives,
//     and only then Advance.
//
// Duties of the one who drives an Assembler:
//
//  1. Restore it from the newest snapshots in presage.slices, and read the partials
//     on from the offset committed last;
//  2. give every chunk to Add, in order; write the snapshots it returns;
//  3. commit SafeOffset, taken before the acknowledgements of all snapshots that were
//     returned until then, once these have come;
//  4. time the slices that Pending names, and WaiveMetrics or Expire those that took
//     too long.
package windower
