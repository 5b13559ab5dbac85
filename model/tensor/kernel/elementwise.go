package kernel

// The elementwise operations work on slices of len(dst) elements each. dst may be one of its
// sources; otherwise they don't overlap. What an element becomes does not depend on where it lies.

// Axpy adds a multiple of src to dst:
//
//	for i: dst[i] += s * src[i]
func Axpy[T Float](dst, src []T, s T) { times("axpy", best.axpy, axpyGo[T], dst, src, s) }

// Scale is a multiple of src:
//
//	for i: dst[i] = s * src[i]
func Scale[T Float](dst, src []T, s T) { times("scale", best.scale, scaleGo[T], dst, src, s) }

// Add is a sum:
//
//	for i: dst[i] = a[i] + b[i]
func Add[T Float](dst, a, b []T) { two("add", best.add, addGo[T], dst, a, b) }

// Sub is a difference:
//
//	for i: dst[i] = a[i] - b[i]
func Sub[T Float](dst, a, b []T) { two("sub", best.sub, subGo[T], dst, a, b) }

// Mul is a product of elements:
//
//	for i: dst[i] = a[i] * b[i]
func Mul[T Float](dst, a, b []T) { two("mul", best.mul, mulGo[T], dst, a, b) }

// MulAdd adds a product of elements to dst:
//
//	for i: dst[i] += a[i] * b[i]
func MulAdd[T Float](dst, a, b []T) { two("muladd", best.mulAdd, mulAddGo[T], dst, a, b) }

// ReLU makes negative elements zero; NaN stays:
//
//	for i: dst[i] = max(src[i], 0)
func ReLU[T Float](dst, src []T) { one("relu", best.relu, reluGo[T], dst, src) }

// ReLUMask is the gradient through ReLU, whose output is y; where y is NaN it is zero:
//
//	for i: dst[i] = g[i] if y[i] > 0, else 0
func ReLUMask[T Float](dst, y, g []T) { two("relumask", best.reluMask, reluMaskGo[T], dst, y, g) }

// ReLUBack adds the gradient through ReLU, whose output is y; where y is NaN it adds nothing:
//
//	for i: dst[i] += g[i] if y[i] > 0
func ReLUBack[T Float](dst, y, g []T) { two("reluback", best.reluBack, reluBackGo[T], dst, y, g) }

// SigmoidBack adds the gradient through Sigmoid, whose output is y:
//
//	for i: dst[i] += g[i] * (y[i] * (1 - y[i]))
func SigmoidBack[T Float](dst, y, g []T) {
	two("sigmoidback", best.sigmoidBack, sigmoidBackGo[T], dst, y, g)
}

// TanhBack adds the gradient through Tanh, whose output is y:
//
//	for i: dst[i] += g[i] * (1 - y[i]²)
func TanhBack[T Float](dst, y, g []T) { two("tanhback", best.tanhBack, tanhBackGo[T], dst, y, g) }

// AddRow adds bias to every row of src, [rows, len(bias)] and dense:
//
//	for r, c: dst[r, c] = src[r, c] + bias[c]
//
// dst may be src, but doesn't overlap bias.
func AddRow[T Float](dst, src, bias []T) {
	same("addrow", dst, src)
	if rowsOf("addrow", dst, len(bias)) == 0 {
		return
	}
	if d, ok := narrow(dst); ok {
		addRow(best.add, d, alike(src), alike(bias))
		return
	}
	addRow(addGo[T], dst, src, bias)
}

// addRow calls add for every row: with 64 columns that takes a sixth longer than one add of as many
// elements, with 8 columns seven times as long.
func addRow[T Float](add func(dst, a, b []T), dst, src, bias []T) {
	for c := len(bias); len(dst) > 0; dst, src = dst[c:], src[c:] {
		add(dst[:c], src[:c], bias)
	}
}

func axpyGo[T Float](dst, src []T, s T) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += s * src[i]
	}
}

func scaleGo[T Float](dst, src []T, s T) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = s * src[i]
	}
}

func addGo[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subGo[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulGo[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func mulAddGo[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func reluGo[T Float](dst, src []T) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = max(src[i], 0)
	}
}

func reluMaskGo[T Float](dst, y, g []T) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i := range dst {
		v := T(0)
		if y[i] > 0 {
			v = g[i]
		}
		dst[i] = v
	}
}

func reluBackGo[T Float](dst, y, g []T) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i := range dst {
		if y[i] > 0 {
			dst[i] += g[i]
		}
	}
}

func sigmoidBackGo[T Float](dst, y, g []T) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i, v := range y {
		dst[i] += g[i] * (v * (1 - v))
	}
}

func tanhBackGo[T Float](dst, y, g []T) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i, v := range y {
		dst[i] += g[i] * (1 - v*v)
	}
}
