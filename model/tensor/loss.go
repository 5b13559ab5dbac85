package tensor

// The losses below compare pred [.., Q] with target, one element a row of pred, and
// average over the rows' weights (a mask, or a mask times an importance); rows of
// weight zero count nothing, whatever their target holds. Sums run in float64. If all
// weights are zero the loss is zero.

// MSE is the weighted mean of (pred - target)² over all elements. target and weight
// have as many elements as pred; a nil weight counts every element once.
func (t *Tape[T]) MSE(pred *Var[T], target, weight []T) *Var[T] {
	return t.pointLoss(pred, target, weight, func(d float64) (loss, slope float64) { return d * d, 2 * d })
}

// Huber is the weighted mean of the Huber loss: d²/2 up to |d| = delta and
// delta (|d| - delta/2) beyond.
func (t *Tape[T]) Huber(pred *Var[T], target, weight []T, delta float64) *Var[T] {
	return t.pointLoss(pred, target, weight, func(d float64) (loss, slope float64) {
		switch {
		case d > delta:
			return delta * (d - delta/2), delta
		case d < -delta:
			return delta * (-d - delta/2), -delta
		}
		return d * d / 2, d
	})
}

func (t *Tape[T]) pointLoss(pred *Var[T], target, weight []T, f func(float64) (loss, slope float64)) *Var[T] {
	if len(target) != len(pred.Data) || weight != nil && len(weight) != len(pred.Data) {
		bug("loss of shape %v against %d targets and %d weights", pred.Shape, len(target), len(weight))
	}
	y := t.result(nil, pred.Grad != nil)
	slopes := t.mem.Take(len(pred.Data))
	var sum, total float64
	for i, p := range pred.Data {
		w := 1.0
		if weight != nil {
			w = float64(weight[i])
		}
		slopes[i] = 0
		if w == 0 {
			continue
		}
		loss, slope := f(float64(p) - float64(target[i]))
		sum += w * loss
		total += w
		slopes[i] = T(w * slope)
	}
	return t.finishLoss(y, pred, sum, total, slopes)
}

// Pinball is the weighted mean over rows, and plain mean over the Q columns, of the
// quantile loss max(τ (target - pred), (τ - 1) (target - pred)) with τ = levels[q].
// target and weight have one element a row of pred.
func (t *Tape[T]) Pinball(pred *Var[T], target, weight []T, levels []float64) *Var[T] {
	q, rows := pred.Cols(), pred.Rows()
	if q != len(levels) || len(target) != rows || weight != nil && len(weight) != rows {
		bug("pinball loss of shape %v against %d targets, %d weights, %d levels", pred.Shape, len(target), len(weight), len(levels))
	}
	y := t.result(nil, pred.Grad != nil)
	slopes := t.mem.Take(len(pred.Data))
	var sum, total float64
	for r := range rows {
		w := 1.0
		if weight != nil {
			w = float64(weight[r])
		}
		out := slopes[r*q : (r+1)*q]
		if w == 0 {
			clear(out)
			continue
		}
		total += w * float64(q)
		for j, level := range levels {
			d := float64(target[r]) - float64(pred.Data[r*q+j])
			slope := level - 1
			if d > 0 {
				slope = level
			}
			sum += w * slope * d
			out[j] = T(-w * slope)
		}
	}
	return t.finishLoss(y, pred, sum, total, slopes)
}

// finishLoss divides the sums by the total weight and records the derivative.
func (t *Tape[T]) finishLoss(y, pred *Var[T], sum, total float64, slopes []T) *Var[T] {
	if total == 0 {
		y.Data[0] = 0
		return y
	}
	y.Data[0] = T(sum / total)
	return t.record(node[T]{op: opLoss, y: y, a: pred, keep: slopes, s: T(total)})
}

func backLoss[T Float](n *node[T]) { accumulate(n.a, n.keep, n.y.Grad[0]/n.s) }
