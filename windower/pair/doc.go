// Package pair makes calls of span halves: a client or producer span and the
// server or consumer span whose parent it is.
//
//	calling half ─┐
//	              ├─ Store ──▶ Call (caller, callee, kind, in the serving half's slice)
//	serving half ─┘        └─▶ services whose half stays unpaired
//
// The store is driven by slice indices only; it knows no clock. Its caller
//
//  1. calls Add for every half, in the order of the log, while the half's slice is open;
//  2. calls Close once for each slice, in rising order, when it closes: halves that
//     still wait are resolved one-sided;
//  3. calls Forget when a closed slice's halves need not be remembered any more.
//
// Between Close and Forget halves are tombstones: a partner that comes in that time
// is counted as late and makes no second call. What the store answers is a function
// of the halves still remembered and of their order, never of older ones, so that it
// can be rebuilt from a bounded piece of the log.
//
// Bounds: at most the configured number of halves in a slice; one more is refused.
// Each half costs amortised constant time, also where many carry the same id.
package pair
