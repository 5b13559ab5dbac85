// Package ownership shares the graphs of an installation among forecaster processes.
//
//	partitions of presage.slices ──consumer group──▶ Run: Options.Run for each graph of a partition owned
//	                                                  │ Lease.Begin … Lease.End around every slice
//	                                                  └──▶ the group's offsets, presage_forecaster_owner, _lag_records
//
// In: the group's generations, and how far each forecaster is. Out: forecasters that
// start when this process gets a graph's partition and end when another one does, and commits.
//
// A forecaster lives through rebalances that leave its partition here: it waits between
// two slices until the next generation begins, with its models in memory and its training running. It starts anew where a
// generation was missed, as another process may have forecast meanwhile.
//
// The package reads no slices and decides nothing about where a forecaster begins: the
// commits are for operators' tools. It cannot fence a process that has lost a graph without knowing.
package ownership
