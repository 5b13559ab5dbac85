// Package tensor holds dense arrays and sparse matrices over float32 or float64 with
// reverse-mode differentiation. Networks are written with its operations; everything
// above it (layers, training, networks) is generic over the same two types.
//
//	parameters, constants ──operations on a Tape──▶ Var ──Tape.Backward──▶ Var.Grad
//
// Training computes in float32. float64 is for tests: there every operation's gradient
// is held against central differences. Sums that decide something (losses) are
// accumulated in float64 in both.
//
// Duties of the caller, in this order for each training step:
//
//  1. Tape.Reset: values and gradients of the last step are gone, their memory is used again.
//  2. Operations on the tape; a loss at the end.
//  3. Tape.Backward: gradients are added to Grad of every parameter that took part.
//  4. The optimiser reads Grad and clears it.
//
// Shapes are checked by every operation; a mismatch is a bug of the network, so it
// panics with a text that begins with BUG. Nothing here starts a goroutine of its own;
// matrix products go through gonum's blas32 and blas64, where another implementation
// can be registered. An operation's value for one row never depends on how many other
// rows there are (MatMul without transposes included), so a batch of one gives bit for
// bit what a large batch gives.
package tensor
