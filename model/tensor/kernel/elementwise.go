package kernel

// The elementwise operations work on slices of len(dst) elements each. dst may be one of its
// sources; otherwise they don't overlap. What an element becomes does not depend on where it lies.

// Axpy adds a multiple of src to dst:
//
//	for i: dst[i] += s * src[i]
func Axpy(dst, src []float32, s float32) {
	same("axpy", dst, src)
	best.axpy(dst, src, s)
}

// Scale is a multiple of src:
//
//	for i: dst[i] = s * src[i]
func Scale(dst, src []float32, s float32) {
	same("scale", dst, src)
	best.scale(dst, src, s)
}

// Add is a sum:
//
//	for i: dst[i] = a[i] + b[i]
func Add(dst, a, b []float32) {
	same("add", dst, a)
	same("add", dst, b)
	best.add(dst, a, b)
}

// Sub is a difference:
//
//	for i: dst[i] = a[i] - b[i]
func Sub(dst, a, b []float32) {
	same("sub", dst, a)
	same("sub", dst, b)
	best.sub(dst, a, b)
}

// Mul is a product of elements:
//
//	for i: dst[i] = a[i] * b[i]
func Mul(dst, a, b []float32) {
	same("mul", dst, a)
	same("mul", dst, b)
	best.mul(dst, a, b)
}

// MulAdd adds a product of elements to dst:
//
//	for i: dst[i] += a[i] * b[i]
func MulAdd(dst, a, b []float32) {
	same("muladd", dst, a)
	same("muladd", dst, b)
	best.mulAdd(dst, a, b)
}

// ReLU makes negative elements zero; NaN stays:
//
//	for i: dst[i] = max(src[i], 0)
func ReLU(dst, src []float32) {
	same("relu", dst, src)
	best.relu(dst, src)
}

// ReLUMask is the gradient through ReLU, whose output is y; where y is NaN it is zero:
//
//	for i: dst[i] = g[i] if y[i] > 0, else 0
func ReLUMask(dst, y, g []float32) {
	same("relumask", dst, y)
	same("relumask", dst, g)
	best.reluMask(dst, y, g)
}

// ReLUBack adds the gradient through ReLU, whose output is y; where y is NaN it adds nothing:
//
//	for i: dst[i] += g[i] if y[i] > 0
func ReLUBack(dst, y, g []float32) {
	same("reluback", dst, y)
	same("reluback", dst, g)
	best.reluBack(dst, y, g)
}

// SigmoidBack adds the gradient through Sigmoid, whose output is y:
//
//	for i: dst[i] += g[i] * (y[i] * (1 - y[i]))
func SigmoidBack(dst, y, g []float32) {
	same("sigmoidback", dst, y)
	same("sigmoidback", dst, g)
	best.sigmoidBack(dst, y, g)
}

// TanhBack adds the gradient through Tanh, whose output is y:
//
//	for i: dst[i] += g[i] * (1 - y[i]²)
func TanhBack(dst, y, g []float32) {
	same("tanhback", dst, y)
	same("tanhback", dst, g)
	best.tanhBack(dst, y, g)
}

// AddRow adds bias to every row of src, [rows, len(bias)] and dense:
//
//	for r, c: dst[r, c] = src[r, c] + bias[c]
//
// dst may be src, but doesn't overlap bias.
func AddRow(dst, src, bias []float32) {
	same("addrow", dst, src)
	if rowsOf("addrow", dst, len(bias)) > 0 {
		addRow(best.add, dst, src, bias)
	}
}

// addRow calls add for every row: with 64 columns that takes a sixth longer than one add of as many
// elements, with 8 columns seven times as long.
func addRow(add func(dst, a, b []float32), dst, src, bias []float32) {
	for c := len(bias); len(dst) > 0; dst, src = dst[c:], src[c:] {
		add(dst[:c], src[:c], bias)
	}
}

// same checks that a source is as long as its destination.
func same(name string, dst, src []float32) {
	if len(src) != len(dst) {
		bug("%s of %d elements into %d", name, len(src), len(dst))
	}
}

func axpyGo(dst, src []float32, s float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += s * src[i]
	}
}

func scaleGo(dst, src []float32, s float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = s * src[i]
	}
}

func addGo(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subGo(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulGo(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func mulAddGo(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func reluGo(dst, src []float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = max(src[i], 0)
	}
}

func reluMaskGo(dst, y, g []float32) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i := range dst {
		v := float32(0)
		if y[i] > 0 {
			v = g[i]
		}
		dst[i] = v
	}
}

func reluBackGo(dst, y, g []float32) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i := range dst {
		if y[i] > 0 {
			dst[i] += g[i]
		}
	}
}

func sigmoidBackGo(dst, y, g []float32) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i, v := range y {
		dst[i] += g[i] * (v * (1 - v))
	}
}

func tanhBackGo(dst, y, g []float32) {
	y, g = y[:len(dst)], g[:len(dst)]
	for i, v := range y {
		dst[i] += g[i] * (1 - v*v)
	}
}
