package tensor

import "presage/model/tensor/kernel"

// TransitionPowers makes a transition matrix of scores and its powers, one below the other: scores
// [N, N] give y [order·N, N],
//
//	P = softmax of max(scores, 0) along each row
//	y = [P; P²; …; P^order]
//
// With scores E₁E₂ this is the adjacency that Graph WaveNet learns, ready for Diffuse.
func (t *Tape[T]) TransitionPowers(scores *Var[T], order int) *Var[T] {
	n := scores.Cols()
	if scores.Rows() != n || order < 1 {
		bug("%d powers of shape %v", order, scores.Shape)
	}
	y := t.result(t.matrix(order*n, n), scores.Grad != nil)
	softmaxReLU(y.Data[:n*n], scores.Data, n)
	for k := 1; k < order; k++ {
		t.product(y.Data[k*n*n:(k+1)*n*n], y.Data[(k-1)*n*n:k*n*n], y.Data[:n*n], n, n, n, false, false, false)
	}
	p := &t.extensions.powers.Take(1)[0]
	*p = transitionPowers[T]{scores: scores, y: y, order: order}
	return t.record(node[T]{op: opExtended, y: y, more: p})
}

// transitionPowers is the operation.
type transitionPowers[T Float] struct {
	scores, y *Var[T]
	order     int
}

// back implements extended.
func (p *transitionPowers[T]) back(t *Tape[T], _ *node[T]) {
	n := p.scores.Cols()
	power := func(v []T, k int) []T { return v[(k-1)*n*n : k*n*n] }
	one := power(p.y.Data, 1)
	for k := p.order; k > 1; k-- { // P^k is P^(k-1) P
		d := power(p.y.Grad, k)
		turned := t.mem.Take(n * n)
		kernel.Transpose(turned, power(p.y.Data, k-1), n, n)
		t.product(power(p.y.Grad, 1), turned, d, n, n, n, false, false, true)
		t.product(power(p.y.Grad, k-1), d, one, n, n, n, false, true, true)
	}
	d := t.mem.Take(n * n)
	g := power(p.y.Grad, 1)
	for r := range n {
		row := one[r*n : (r+1)*n]
		sum := 0.0
		for j, y := range row {
			sum += float64(y) * float64(g[r*n+j])
		}
		for j, y := range row {
			d[r*n+j] = 0
			if p.scores.Data[r*n+j] > 0 {
				d[r*n+j] = T(float64(y) * (float64(g[r*n+j]) - sum))
			}
		}
	}
	accumulate(p.scores, d, 1)
}

// softmaxReLU is the softmax of max(src, 0) for each row.
func softmaxReLU[T Float](dst, src []T, cols int) {
	kernel.ReLU(dst, src)
	for at := 0; at < len(dst); at += cols {
		row := dst[at : at+cols]
		top := T(0)
		for _, v := range row {
			top = max(top, v)
		}
		for j := range row {
			row[j] -= top
		}
		kernel.Exp(row, row)
		sum := 0.0
		for _, v := range row {
			sum += float64(v)
		}
		for j, v := range row {
			row[j] = T(float64(v) / sum)
		}
	}
}
