// Package online is the live loop: on each snapshot it scores the forecasts that
// are now due, corrects the intervals, forecasts every service, and says when to train.
//
//	snapshot ──▶ Observe ──▶ Outcome: forecasts, what came due, jobs
//	                 ▲                                          │
//	            Promote ◀── Candidate ◀── Train (long, pure) ◀──┘
//
// The caller's duties, in order:
//
//  1. After New, optionally Resume with a checkpoint, then Remember every
//     snapshot up to the checkpoint's Index.
//  2. Observe every later snapshot once, in order; publish Outcome.Forecasts.
//  3. Run Train on each job of Outcome.Jobs, before the next Observe where runs must be
//     repeatable, in the background otherwise, and give the Candidate to Promote between two
//     calls of Observe. Store what Promote accepts before the next checkpoint.
//  4. Take a Checkpoint now and then, and after every Promote.
//
// A forecast is a function of the snapshots up to its slice, the model version, and
// the calibration. Resume and Observe over the slices since the checkpoint give the same
// forecasts as the loop that was stopped.
//
// A Loop holds a bounded history of steps in memory. It reads no clock, does no I/O
// and starts no goroutine; it is for one goroutine, but Train may run beside it.
package online
