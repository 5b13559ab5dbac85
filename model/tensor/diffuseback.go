package tensor

import "presage/model/tensor/kernel"

// back implements extended.
func (d *diffusion[T]) back(t *Tape[T], _ *node[T]) {
	size := d.in * d.out
	var parts int
	parts, d.per = chunked(d.blocks)
	d.backwards = true
	d.room = 4 * d.block()
	d.scratch = t.mem.Take(t.lane.Workers() * d.room)
	d.weights, d.biases = t.zeros(parts*len(d.w.Data)), t.zeros(parts*d.out)
	wanted := d.wanted()
	d.dense = t.zeros(parts * wanted)
	if d.x.Grad != nil {
		d.turned = t.mem.Take(len(d.w.Data))
		for k := 0; k < len(d.w.Data); k += size {
			kernel.Transpose(d.turned[k:k+size], d.w.Data[k:k+size], d.in, d.out)
		}
		d.addX = d.x.collect()
	}
	if d.residual != nil && d.residual.Grad != nil {
		d.addResidue = d.residual.collectTail(d.y.Rows())
	}
	t.lane.Run(parts, d)
	gatherChunks(d.w, d.weights, parts)
	gatherChunks(d.b, d.biases, parts)
	for i := range parts {
		at := i * wanted
		for _, p := range d.transitions {
			if p.learned() {
				accumulate(p.Dense, d.dense[at:at+len(p.Dense.Data)], 1)
				at += len(p.Dense.Data)
			}
		}
	}
}

// chunked divides blocks into at most chunks parts.
func chunked(blocks int) (parts, per int) {
	per = max(1, (blocks+chunks-1)/chunks)
	return (blocks + per - 1) / per, per
}

// learned says whether a transition wants a gradient.
func (p Transition[T]) learned() bool { return p.Sparse == nil && p.Dense.Grad != nil }

// wanted is the elements of all transitions that want a gradient.
func (d *diffusion[T]) wanted() int {
	n := 0
	for _, p := range d.transitions {
		if p.learned() {
			n += len(p.Dense.Data)
		}
	}
	return n
}

// backBlock takes rows [from, to) back and adds what the weights get to the chunk's sums.
func (d *diffusion[T]) backBlock(block, from, to, chunk int, scratch []T) {
	dy := d.y.Grad[from*d.out : to*d.out]
	if d.residual != nil && d.residual.Grad != nil {
		dr := d.residualRows(d.residual.Grad, from, to)
		if d.addResidue {
			kernel.Add(dr, dr, dy)
		} else {
			copy(dr, dy)
		}
	}
	if d.dropout > 0 {
		masked := take(&scratch, len(dy))
		d.mask(masked, block)
		kernel.Mul(masked, masked, dy)
		dy = masked
	}
	b := backBlock[T]{diffusion: d, rows: to - from, dy: dy, x: d.x.Data[from*d.in : to*d.in],
		weights: d.weights[chunk*len(d.w.Data):][:len(d.w.Data)]}
	if d.x.Grad != nil {
		b.dx = d.x.Grad[from*d.in : to*d.in]
	}
	kernel.ColSum(d.biases[chunk*d.out:][:d.out], dy)
	b.channel(0, dy, d.addX)
	dense := d.dense[chunk*d.wanted():]
	for s, p := range d.transitions {
		first := 1 + s*d.order
		if p.Sparse != nil {
			b.sparse(p.Sparse, first, scratch)
			continue
		}
		var dp []T
		if p.learned() {
			dp, dense = dense[:len(p.Dense.Data)], dense[len(p.Dense.Data):]
		}
		b.dense(p.Dense.Data, dp, first, scratch)
	}
}

// backBlock is the way back of one block.
type backBlock[T Float] struct {
	*diffusion[T]
	rows      int
	x, dx, dy []T
	weights   []T // the chunk's
}

// channel takes du, the derivative of x W_k, back through that product.
func (b *backBlock[T]) channel(k int, du []T, add bool) {
	size := b.in * b.out
	kernel.Gemm(b.weights[k*size:(k+1)*size], b.x, du, nil,
		kernel.Product{M: b.in, N: b.out, K: b.rows, LDA: b.in, LDB: b.out, LDC: b.out, TransA: true, Add: true})
	if b.dx != nil {
		kernel.Gemm(b.dx, du, b.turned[k*size:(k+1)*size], nil,
			kernel.Product{M: b.rows, N: b.in, K: b.out, LDA: b.out, LDB: b.in, LDC: b.in, Add: add})
	}
}

// sparse goes back through a constant matrix: one more step against the flow for each power.
func (b *backBlock[T]) sparse(p *CSR[T], first int, scratch []T) {
	u, v := take(&scratch, len(b.dy)), take(&scratch, len(b.dy))
	from := b.dy
	for k := range b.order {
		b.mix(u, from, p, false)
		b.channel(first+k, u, true)
		from, u, v = u, v, u
	}
}

// dense goes back through the powers of a matrix, and to them if dp isn't nil.
func (b *backBlock[T]) dense(p, dp []T, first int, scratch []T) {
	n, out, size := b.n, b.out, b.n*b.out
	du := take(&scratch, len(b.dy))
	var u, turned []T
	if dp != nil {
		u, turned = take(&scratch, len(b.dy)), take(&scratch, len(b.dy))
		for at := 0; at < len(turned); at += size {
			kernel.Transpose(turned[at:at+size], b.dy[at:at+size], n, out)
		}
	}
	for k := range b.order {
		power := p[k*n*n : (k+1)*n*n]
		for at := 0; at < len(du); at += size {
			kernel.Gemm(du[at:at+size], power, b.dy[at:at+size], nil,
				kernel.Product{M: n, N: out, K: n, LDA: n, LDB: out, LDC: out})
		}
		b.channel(first+k, du, true)
		if dp == nil {
			continue
		}
		kernel.Gemm(u, b.x, b.weight(first+k), nil, b.channels(b.rows, false))
		for at := 0; at < len(u); at += size {
			kernel.Gemm(dp[k*n*n:(k+1)*n*n], u[at:at+size], turned[at:at+size], nil,
				kernel.Product{M: n, N: n, K: out, LDA: out, LDB: n, LDC: n, Add: true})
		}
	}
}
