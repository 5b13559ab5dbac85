// Package slice holds what a time slice of the service graph is: Partial, one
// source partition's share of it, and Snapshot, the whole; with their merge, their
// encodings on the wire, and the history on disk.
//
//	partition machine ──Partial──▶ presage.partials ──▶ Merge ──▶ Snapshot ──▶ presage.slices, history
//
// Partials hold integers only, so that merging them is commutative, associative
// and exact. Floating-point numbers appear first in the Snapshot, computed once from
// the merged integers.
//
// The package knows no Kafka, starts no goroutine and reads no clock.
package slice
