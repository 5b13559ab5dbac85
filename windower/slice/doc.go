// Package slice holds what a time slice of the service graph is: Partial, one
// source partition's share of it, and Snapshot, the whole; with their merge, their
// encodings on the wire, and the history on disk.
//
//	partition machine ──Partial──▶ EncodePartial ──▶ presage.partials ──▶ DecodePartial, MergePartials ──▶ assembler
//	assembler ──Snapshot──▶ EncodeSnapshot ──▶ presage.slices ──▶ SnapshotReader ──▶ model, History ──▶ Export
//
// Partials hold integers only, so that merging them is commutative, associative
// and exact. Floating-point numbers appear first in the Snapshot, computed once from
// the merged integers.
//
// Every decoder takes any bytes: what it can't read is an error marked ErrCorrupt
// or ErrVersion, and no length in the input makes it reserve more memory than the
// input bears out. The formats are described in docs/format.
//
// A History is a cache on disk, which its caller opens and closes. The rest does no
// I/O. The package knows no Kafka, starts no goroutine and reads no clock.
package slice
