// Package dgcrn is the dynamic graph convolutional recurrent network of Li et al. (Dynamic Graph Convolutional Recurrent
// Network for Traffic Prediction, 2021): an encoder and a decoder of recurrent units whose linear maps
// diffuse along two graphs at once, a fixed one and one that small networks over the fixed graph make anew in every step
// from the input and the state.
//
//	[R, I] a slice ──▶ hyper-networks ──▶ graphs [B, 2, N, N] ──▶ recurrent unit ──▶ state [R, H]     R = B × N
//	state after all slices ──▶ decoder, fed its own forecast or, at times in training, the truth ──▶ [R, Level × Outputs]
//
// Hidden states begin at zero. Weights have the names of the original's state dict, matrices transposed; what the original
// has but never reads (lin1, lin2, its dropout) is left out. A fixed graph's powers and both gates' weights are rearranged into a
// few matrices once a pass, which changes rounding alone.
//
// The package draws from the generators in its arguments only, keeps no state between passes, reads no clock and starts no goroutine.
package dgcrn
