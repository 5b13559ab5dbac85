// Package graphwavenet is Graph WaveNet (Wu et al., IJCAI 2019): gated dilated convolutions over time and,
// after each of them, a diffusion over the nodes along the graph, against it, and along an adjacency that the
// network learns.
//
//	x ──start──▶ h ──gated convolution──▶ g ──diffusion, + h, batch norm──▶ h of the next layer
//	                                      └──last moments──▶ skip ──two layers──▶ all horizons
//
// Activations lie as [time, batch, node, channel]: a shift in time is a shift in rows, channels are mixed by
// one product over all rows, and nodes within the cache, a moment at a time.
//
// Weights carry the names of the original's state dict; convolutions lie as [taps × in, out]. The original's unused
// residual convolutions and its counters of batches don't exist. The diffusion and the batch norm of the last layer
// are read by nobody: they get no gradient and no weight decay, but the running statistics move.
//
// The package reads no clock, does no I/O and knows nothing of scaling, losses and training.
package graphwavenet
