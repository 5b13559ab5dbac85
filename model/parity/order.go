package parity

import "presage/model/tensor"

// As converts numbers to another width.
func As[T, V tensor.Float](v []V) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// Permuted puts an array of the given shape into the order of axes; the last axis runs fastest in both.
func Permuted[V any](v []V, shape []int, axes ...int) []V {
	out := make([]V, 0, len(v))
	stride := make([]int, len(shape))
	for i, s := len(shape)-1, 1; i >= 0; i-- {
		stride[i] = s
		s *= shape[i]
	}
	var walk func(depth, at int)
	walk = func(depth, at int) {
		if depth == len(axes) {
			out = append(out, v[at])
			return
		}
		for i := range shape[axes[depth]] {
			walk(depth+1, at+i*stride[axes[depth]])
		}
	}
	walk(0, 0)
	return out
}

// Turned takes [.., a, b] as [.., b, a].
func Turned[V any](v []V, a, b int) []V {
	return Permuted(v, []int{len(v) / (a * b), a, b}, 0, 2, 1)
}

// reversed takes [a, b, .., z] as [z, .., b, a].
func reversed[V any](v []V, shape []int) []V {
	var axes []int
	for i := range shape {
		axes = append(axes, len(shape)-1-i)
	}
	return Permuted(v, shape, axes...)
}
