package tensor

// CumSum is the running sum along the last dimension.
func (t *Tape[T]) CumSum(a *Var[T]) *Var[T] {
	c := a.Cols()
	y := t.result(a.Shape, a.Grad != nil)
	for r := 0; r < len(a.Data); r += c {
		var sum T
		for j := r; j < r+c; j++ {
			sum += a.Data[j]
			y.Data[j] = sum
		}
	}
	return t.record(node[T]{op: opCumSum, y: y, a: a})
}

func backCumSum[T Float](n *node[T]) {
	n.a.open()
	c := n.a.Cols()
	for r := 0; r < len(n.a.Grad); r += c {
		var sum T
		for j := r + c - 1; j >= r; j-- {
			sum += n.y.Grad[j]
			n.a.Grad[j] += sum
		}
	}
}
