// Package generated makes traces and container metrics of a system that does not
// exist, but whose response times move for the reasons that real ones do.
//
//	Options ─▶ world (services, APIs, hosts: fixed) ─┐
//	           state ─▶ step, one tick at a time ─▶ tick's conditions ─▶ traces ─▶ spans in order of end
//	             ▲                │                          └────────▶ container metrics
//	             └────────────────┘                          ├────────▶ incidents: the truth file
//	                                                         └────────▶ Slicer: what a slice's telemetry shows, without spans
//
// In: a seed and a size. Out: a replay.Source, or files in the alibaba-2022 format.
// The same options give the same bytes on every platform: the package uses its own
// samplers, exponentials and logarithms, and no product is added to a sum without being
// rounded first (a compiler may fuse the two on some machines).
//
// The simulation is of means and queues by tick (a state that can be copied and
// continued); single traces are then drawn from a tick's conditions. It never
// sleeps, reads a clock or starts a goroutine. What it models, and what it does
// not, stands in docs/generator.md.
package generated
