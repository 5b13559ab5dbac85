package kernel

import "math"

// LayerNorm brings rows of cols elements to mean zero and variance one, then scales and shifts:
//
//	mean[r] = Σ src[r,·] / cols, inv[r] = 1 / √(Σ (src[r,·] - mean[r])² / cols + eps), both summed in float64
//	dst[r,j] = (src[r,j] - mean[r]) inv[r] gain[j] + bias[j]
//
// mean and inv, one element a row, are kept for LayerNormBack. dst may be src.
func LayerNorm(dst, src, gain, bias, mean, inv []float32, eps float32, cols int) {
	rowsOf("layer norm", cols, dst, src)
	if len(gain) != cols || len(bias) != cols || len(mean) < len(src)/cols || len(inv) < len(src)/cols {
		bug("layer norm of rows of %d with %d gains, %d biases", cols, len(gain), len(bias))
	}
	for r := range len(src) / cols {
		row, out := src[r*cols:(r+1)*cols], dst[r*cols:(r+1)*cols]
		m := Sum(row) / float64(cols)
		// In float64 the difference of squares of float32 loses nothing that matters.
		variance := max(SumSquares(row)/float64(cols)-m*m, 0)
		mean[r], inv[r] = float32(m), float32(1/math.Sqrt(variance+float64(eps)))
		best.affine(out, row, gain, bias, mean[r], inv[r])
	}
}

// LayerNormBack adds the derivatives, given dY, that of the result; with x = (src - mean) inv and g = dY gain,
// both along a row:
//
//	dX += inv (g - Σ g / cols - x Σ g x / cols), dGain += Σ over rows of dY x, dBias += Σ over rows of dY
func LayerNormBack(dX, dGain, dBias, dY, src, gain, mean, inv []float32, cols int) {
	rowsOf("derivative of layer norm", cols, dX, dY, src)
	if len(gain) != cols || len(dGain) != cols || len(dBias) != cols || len(mean) < len(src)/cols || len(inv) < len(src)/cols {
		bug("derivative of layer norm of rows of %d with %d gains", cols, len(gain))
	}
	ColSum(dBias, dY)
	for r := range len(src) / cols {
		row, dy, dx := src[r*cols:(r+1)*cols], dY[r*cols:(r+1)*cols], dX[r*cols:(r+1)*cols]
		var sum, product float64
		for j, v := range row {
			x := (v - mean[r]) * inv[r]
			g := float64(dy[j] * gain[j])
			sum += g
			product += g * float64(x)
			dGain[j] += dy[j] * x
		}
		a, b := float32(sum/float64(cols)), float32(product/float64(cols))
		for j, v := range row {
			x := (v - mean[r]) * inv[r]
			dx[j] += inv[r] * (dy[j]*gain[j] - a - x*b)
		}
	}
}
