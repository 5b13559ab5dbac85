package kernel

// Float is what most operations work on: float32 by the best implementation, float64, which is for
// tests, by the portable loops.
type Float interface{ float32 | float64 }

// narrow gives a slice as float32, if that is what T is.
func narrow[T Float](v []T) ([]float32, bool) {
	f, ok := any(v).([]float32)
	return f, ok
}

// alike is narrow where T is known to be float32.
func alike[T Float](v []T) []float32 { return any(v).([]float32) }

// one runs a function of a source.
func one[T Float](name string, fast func(dst, src []float32), slow func(dst, src []T), dst, src []T) {
	same(name, dst, src)
	if d, ok := narrow(dst); ok {
		fast(d, alike(src))
		return
	}
	slow(dst, src)
}

// two runs a function of two sources.
func two[T Float](name string, fast func(dst, a, b []float32), slow func(dst, a, b []T), dst, a, b []T) {
	same(name, dst, a)
	same(name, dst, b)
	if d, ok := narrow(dst); ok {
		fast(d, alike(a), alike(b))
		return
	}
	slow(dst, a, b)
}

// times runs a function of a source and a factor.
func times[T Float](name string, fast func(dst, src []float32, s float32), slow func(dst, src []T, s T), dst, src []T, s T) {
	same(name, dst, src)
	if d, ok := narrow(dst); ok {
		fast(d, alike(src), float32(s))
		return
	}
	slow(dst, src, s)
}

// same checks that a source is as long as its destination.
func same[T Float](name string, dst, src []T) {
	if len(src) != len(dst) {
		bug("%s of %d elements into %d", name, len(src), len(dst))
	}
}

// rowsOf is how many rows of cols elements v has; it has no part of one.
func rowsOf[T Float](name string, v []T, cols int) int {
	if len(v) == 0 {
		return 0
	}
	if cols <= 0 || len(v)%cols != 0 {
		bug("%s of %d elements in rows of %d", name, len(v), cols)
	}
	return len(v) / cols
}
