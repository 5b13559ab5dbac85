// Package adjacency makes the matrices that graph convolutions multiply with: the
// normalisations of a weighted adjacency that the networks' publications use.
//
//	weights [N, N], row i to column j ──one normalisation──▶ sparse matrix for tensor.SpMM
//
// Matrices come in and go out as tensor.CSR with columns rising within a row; inputs
// aren't changed. A row whose weights sum to zero stays zero (1/0 counts as 0). Sums run in
// float64.
package adjacency
