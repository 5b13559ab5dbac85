// Package gradcheck holds gradients of operations, layers and networks against central
// differences in float64. It is imported by tests only.
package gradcheck
