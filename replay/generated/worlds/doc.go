// Package worlds defines the generated systems that networks are compared on, writes two
// weeks of each to files, and says how well anything could forecast them.
//
//	World ─▶ generated.Slicer ─▶ observations by slice ─▶ nodes.parquet, edges.parquet
//	              │                                       incidents.jsonl, world.json
//	              └─fork─▶ continuations with fresh randomness ─▶ future.parquet
//	files ─▶ Open ─▶ Data ─▶ Describe ─▶ Figures ─▶ Check against a world's bounds
//
// In: a World, plain parameters with a seed. Out: for every service and slice what telemetry
// would show and the true mean beside it (floor F0: who knows that mean errs by the
// sampling noise alone), and quantiles over continuations of the simulator's whole state (floor
// F1). The files of a World are the same on every machine and with any number of cores.
//
// World A is open, to tune mechanisms and networks on. B, C and N draw their seeds from a
// phrase and the version, so that nobody picks them. The package trains nothing and knows no
// model: replay is a client like any other.
package worlds
