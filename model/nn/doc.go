// Package nn holds what networks are built of and how they are trained: layers over
// model/tensor, Adam, and the training loop with early stopping.
//
//	layers ──forward on a tape──▶ loss ──▶ gradients ──▶ Adam ──▶ weights
//	                 Train: epochs of seeded batches, validation after each, best weights kept
//
// Layers own their parameters and list them by name (Params); those names are the ones
// in stored weights. All randomness comes from generators in the arguments: the same
// seed gives the same weights, bit for bit, on one machine. The package does no I/O,
// reads no clock and starts no goroutine.
package nn
