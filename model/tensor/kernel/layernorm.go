package kernel

import "math"

// LayerNorm brings each row of cols elements to mean 0 and variance 1, then scales and shifts its columns:
//
//	for each row r: mean[r] = Σ src[j] / cols, inv[r] = 1 / √(Σ (src[j] - mean)² / cols + eps)
//	                dst[j] = (src[j] - mean[r]) inv[r] gain[j] + bias[j]
//
// Both sums are in float64, and mean and inv keep what they give for LayerNormBack. The assembly takes them
// in one pass, of differences from src[0]: its variance is off by at most (cols+8)²·2⁻⁵² of itself, which
// float32 doesn't see below ten thousand columns. gain and bias have cols elements. dst may be src itself. A row with NaN or infinity in it becomes NaN all over.
func LayerNorm(dst, src, gain, bias, mean, inv []float32, eps float32, cols int) {
	same("layer norm", dst, src)
	rows := rowsOf("layer norm", dst, cols)
	if rows == 0 {
		return
	}
	if len(gain) < cols || len(bias) < cols || len(mean) < rows || len(inv) < rows {
		bug("layer norm of [%d, %d] with %d gains, %d biases, %d means, %d scales", rows, cols, len(gain), len(bias), len(mean), len(inv))
	}
	best.layerNorm(dst, src, gain, bias, mean, inv, eps, cols)
}

// LayerNormBack adds the derivatives of LayerNorm, given that of its output and what it kept:
//
//	for each row r: x[j] = (src[j] - mean[r]) inv[r], g[j] = dY[j] gain[j]
//	                dX[j] += inv[r] (g[j] - (Σ g + x[j] Σ g x) / cols)
//	                dGain[j] += dY[j] x[j], dBias[j] += dY[j]
//
// The sums along a row are in float64, those along a column as ColSum's. The derivatives overlap
// nothing else.
func LayerNormBack(dX, dGain, dBias, dY, src, gain, mean, inv []float32, cols int) {
	same("layer norm's derivative", dX, dY)
	same("layer norm's derivative", dX, src)
	rows := rowsOf("layer norm's derivative", dX, cols)
	if rows == 0 {
		return
	}
	if len(dGain) < cols || len(dBias) < cols || len(gain) < cols || len(mean) < rows || len(inv) < rows {
		bug("layer norm's derivative of [%d, %d] with %d gains, %d means, %d scales", rows, cols, len(gain), len(mean), len(inv))
	}
	best.layerNormBack(dX, dGain, dBias, dY, src, gain, mean, inv, cols)
}

func layerNormGo(dst, src, gain, bias, mean, inv []float32, eps float32, cols int) {
	for r := range len(dst) / cols {
		x, y := src[r*cols:(r+1)*cols], dst[r*cols:(r+1)*cols]
		m := sumGo(x) / float64(cols)
		s := 0.0
		for _, v := range x {
			d := float64(v) - m
			s += d * d
		}
		mean[r], inv[r] = float32(m), float32(1/math.Sqrt(s/float64(cols)+float64(eps)))
		for j, v := range x {
			y[j] = (v-mean[r])*inv[r]*gain[j] + bias[j]
		}
	}
}

func layerNormBackGo(dX, dGain, dBias, dY, src, gain, mean, inv []float32, cols int) {
	for r := range len(dX) / cols {
		dx, dy, x := dX[r*cols:(r+1)*cols], dY[r*cols:(r+1)*cols], src[r*cols:(r+1)*cols]
		var sum, along float64
		for j, v := range dy {
			g := float64(v * gain[j])
			sum += g
			along += g * float64((x[j]-mean[r])*inv[r])
		}
		a, b := float32(sum/float64(cols)), float32(along/float64(cols))
		for j, v := range dy {
			dx[j] += inv[r] * (v*gain[j] - a - (x[j]-mean[r])*inv[r]*b)
		}
	}
	colSumGo(dBias[:cols], dY)
	for at := 0; at < cols; at += gainColumns {
		var sums [gainColumns]float64
		n := min(gainColumns, cols-at)
		for r := range len(dX) / cols {
			dy, x := dY[r*cols+at:][:n], src[r*cols+at:][:n]
			for j, v := range dy {
				sums[j] += float64(v) * float64((x[j]-mean[r])*inv[r])
			}
		}
		for j := range n {
			dGain[at+j] = float32(float64(dGain[at+j]) + sums[j])
		}
	}
}

// gainColumns is how many columns' sums layerNormBackGo keeps on the stack.
const gainColumns = 32
