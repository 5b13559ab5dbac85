package tensor

// Sum is the sum of all elements, accumulated in float64.
func (t *Tape[T]) Sum(a *Var[T]) *Var[T] {
	y := t.result(nil, a.Grad != nil)
	var sum float64
	for _, v := range a.Data {
		sum += float64(v)
	}
	y.Data[0] = T(sum)
	return t.record(node[T]{op: opSum, y: y, a: a})
}

func backSum[T Float](n *node[T]) {
	n.a.open()
	for i := range n.a.Grad {
		n.a.Grad[i] += n.y.Grad[0]
	}
}
