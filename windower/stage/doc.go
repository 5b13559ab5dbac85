// Package stage is the shell around the windower's machines: it connects them to Kafka.
//
//	telemetry topics ──RunPartitions──▶ presage.partials ──RunAssembler──▶ presage.slices ──FollowSlices──▶ forecaster
//	                        │
//	                        └──▶ presage.deadletter
//
// RunPartitions reads the telemetry topics of a graph in a consumer group, with one
// windower.Partition a partition. RunAssembler joins the partials of a graph in one
// windower.Assembler. Both run until their context ends, then commit what they can
// within seconds. Neither holds state that can't be rebuilt from Kafka; killing them at
// any moment changes nothing in presage.slices.
//
// Of two records that say the same (a write was repeated, or two members believed to
// own a partition for a moment) the first in the log counts: readers see to it.
//
// RunRekey copies topics of spans that are not keyed by trace id into topics that are, which
// RunPartitions then reads (Graph.Rekeyed). What it writes twice, readers leave out: each part
// carries its place in the source, and how far that is in event time.
//
//	spans ──RunRekey──▶ spans.by_trace ──RunPartitions──▶ presage.partials
//
// RunPartitions also watches, by a sample of traces and the keys of records, whether spans
// are keyed by trace id, and warns where they are not. What is in the slices doesn't
// depend on it.
//
// Bounds: a partition holds one fetch (about 1 MiB) and at most 64 partials that wait
// for their acknowledgement, a partition that is re-keyed one fetch and its copy, a topic a sample of 4 096 traces; the machines have bounds of
// their own.
package stage
