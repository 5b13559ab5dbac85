package stgnn

// sized is s with n elements of unspecified content, on the same memory where that is large enough.
func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n, n+n/8) // services come one by one: not each of them must cost new memory
	}
	return s[:n]
}
