package tensor

import (
	"math/rand/v2"

	"presage/model/tensor/kernel"
)

// Transition is a matrix P over N nodes along which a signal spreads; one of both forms.
type Transition[T Float] struct {
	Sparse *CSR[T] // P, a constant
	Dense  *Var[T] // [order·N, N]: P, P², … one below the other
}

// Diffusion is what Diffuse needs beside its signal and weights.
type Diffusion[T Float] struct {
	Nodes    int        // N
	Residual *Var[T]    // its last rows are added at the end; nil for nothing
	Dropout  float64    // share of elements that are dropped before that, exact to 1/65536
	Rng      *rand.Rand // nil for no dropout
}

// Diffuse is Li et al.'s diffusion convolution, as Graph WaveNet has it (eq. 6): x [M × N, in] holds M moments, the nodes of
// one side by side, w is [(1 + S·order)·in, out] for S transitions and b [out],
//
//	y = Residual + dropout(b + x W₀ + Σ_s Σ_k (P_sᵀ)^k x W_{s,k})
//
// with w's blocks in the order W₀, W₁₁, W₁₂, …, W₂₁, …. Node j receives what flows to it along column j of P.
//
// It is one operation in Horner's form, so that outputs are mixed and no power of a signal is kept: all of a moment's
// products stay in the cache. What the way back needs of them it computes again.
func (t *Tape[T]) Diffuse(x, w, b *Var[T], o Diffusion[T], transitions ...Transition[T]) *Var[T] {
	in, out, rows, n := x.Cols(), w.Cols(), x.Rows(), o.Nodes
	order := 0
	if s := len(transitions); s > 0 {
		order = (w.Rows()/max(in, 1) - 1) / s
	}
	if w.Rows() != (1+len(transitions)*order)*in || n < 1 || rows%n != 0 || len(b.Data) != out {
		bug("diffusion of shape %v over %d nodes by weights of shape %v", x.Shape, n, w.Shape)
	}
	if r := o.Residual; r != nil && (r.Cols() != out || r.Rows() < rows) {
		bug("residual of shape %v beside %d rows of %d", r.Shape, rows, out)
	}
	y := t.result(t.matrix(rows, out), x.Grad != nil || w.Grad != nil || o.Residual != nil && o.Residual.Grad != nil)
	d := &t.extensions.diffusions.Take(1)[0]
	*d = diffusion[T]{x: x, w: w, b: b, y: y, residual: o.Residual, n: n, in: in, out: out, order: order}
	d.transitions = t.extensions.transitions.Take(len(transitions))
	copy(d.transitions, transitions)
	d.check()
	if o.Rng != nil && o.Dropout > 0 {
		d.dropout, d.seed = o.Dropout, o.Rng.Uint64()
	}
	d.moments = max(1, diffuseRows/n)
	d.blocks = (rows/n + d.moments - 1) / d.moments
	d.per = 1
	d.room = 2 * d.block()
	d.scratch = t.mem.Take(t.lane.Workers() * d.room)
	t.lane.Run(d.blocks, d)
	return t.record(node[T]{op: opExtended, y: y, more: d})
}

// diffuseRows are the rows of a block, about: enough for the products over channels, few enough for the cache.
const diffuseRows = 224

// diffusion is the operation and its task. A block is some moments; a part is a block on the way forth, and a chunk of
// blocks on the way back.
type diffusion[T Float] struct {
	x, w, b, y, residual        *Var[T]
	transitions                 []Transition[T]
	n, in, out, order           int
	dropout                     float64
	seed                        uint64
	moments, blocks, per, room  int
	backwards, addX, addResidue bool

	scratch []T // of each worker, room

	// The way back.
	turned          []T // the blocks of w transposed, [out, in] each
	weights, biases []T // of each chunk
	dense           []T // of each chunk: the gradients of those dense transitions that want one
}

// check says what is wrong with the transitions.
func (d *diffusion[T]) check() {
	for _, p := range d.transitions {
		if s := p.Sparse; s != nil && (s.Rows != d.n || s.Cols != d.n) ||
			p.Sparse == nil && (p.Dense == nil || p.Dense.Rows() != d.order*d.n || p.Dense.Cols() != d.n) {
			bug("a transition that isn't over %d nodes", d.n)
		}
		if p.Sparse != nil {
			p.Sparse.Transposed() // workers only read it
		}
	}
}

// block is the elements of a block.
func (d *diffusion[T]) block() int { return d.moments * d.n * d.out }

// Part implements pool.Task.
func (d *diffusion[T]) Part(i, worker int) {
	s := d.scratch[worker*d.room : (worker+1)*d.room]
	from, to := span(i, d.per, d.blocks)
	for ; from < to; from++ {
		first, last := span(from, d.moments*d.n, d.x.Rows())
		if d.backwards {
			d.backBlock(from, first, last, i, s)
		} else {
			d.forward(from, first, last, s)
		}
	}
}

// channels is the product of rows with a block of the weights.
func (d *diffusion[T]) channels(rows int, add bool) kernel.Product {
	return kernel.Product{M: rows, N: d.out, K: d.in, LDA: d.in, LDB: d.out, LDC: d.out, Add: add}
}

// weight is block number k of w.
func (d *diffusion[T]) weight(k int) []T { return d.w.Data[k*d.in*d.out : (k+1)*d.in*d.out] }

func (d *diffusion[T]) forward(block, from, to int, scratch []T) {
	rows := to - from
	x, y := d.x.Data[from*d.in:to*d.in], d.y.Data[from*d.out:to*d.out]
	kernel.Gemm(y, x, d.weight(0), d.b.Data, d.channels(rows, false))
	for s, p := range d.transitions {
		first := 1 + s*d.order
		if p.Sparse != nil {
			d.horner(y, x, p.Sparse.Transposed(), first, scratch)
			continue
		}
		u := scratch[:rows*d.out]
		for k := range d.order {
			kernel.Gemm(u, x, d.weight(first+k), nil, d.channels(rows, false))
			for at := 0; at < len(u); at += d.n * d.out {
				kernel.Gemm(y[at:at+d.n*d.out], p.Dense.Data[k*d.n*d.n:(k+1)*d.n*d.n], u[at:at+d.n*d.out], nil,
					kernel.Product{M: d.n, N: d.out, K: d.n, LDA: d.n, LDB: d.out, LDC: d.out, TransA: true, Add: true})
			}
		}
	}
	if d.dropout > 0 {
		mask := scratch[:len(y)]
		d.mask(mask, block)
		kernel.Mul(y, y, mask)
	}
	if d.residual != nil {
		kernel.Add(y, y, d.residualRows(d.residual.Data, from, to))
	}
}

// horner adds P(x W₁ + P(x W₂ + …)) to y.
func (d *diffusion[T]) horner(y, x []T, p *CSR[T], first int, scratch []T) {
	if d.order == 0 {
		return
	}
	u, v := scratch[:len(y)], scratch[len(y):2*len(y)]
	rows := len(y) / d.out
	kernel.Gemm(u, x, d.weight(first+d.order-1), nil, d.channels(rows, false))
	for k := d.order - 2; k >= 0; k-- {
		d.mix(v, u, p, false)
		kernel.Gemm(v, x, d.weight(first+k), nil, d.channels(rows, true))
		u, v = v, u
	}
	d.mix(y, u, p, true)
}

// mix is the sparse product for each moment of a block.
func (d *diffusion[T]) mix(y, x []T, p *CSR[T], add bool) {
	size := d.n * d.out
	for at := 0; at < len(y); at += size {
		kernel.SpMM(y[at:at+size], p.RowPtr, p.Col, p.Val, x[at:at+size], d.out, add)
	}
}

// residualRows are the residual's rows beside rows [from, to) of y.
func (d *diffusion[T]) residualRows(v []T, from, to int) []T {
	skip := d.residual.Rows() - d.y.Rows()
	return v[(skip+from)*d.out : (skip+to)*d.out]
}

// mask fills dst with 0, or 1/(1 - dropout) where a block's elements are kept: the same whenever it is
// called, and whoever calls. The bits are SplitMix64's.
func (d *diffusion[T]) mask(dst []T, block int) {
	factor := [2]T{T(1 / (1 - d.dropout)), 0}
	limit := uint64(d.dropout * (1 << 16))
	state := d.seed + uint64(block)*uint64((d.block()+3)/4)*splitStep
	for i := 0; i < len(dst); i += 4 {
		state += splitStep
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		if i+4 > len(dst) {
			for j := i; j < len(dst); j++ {
				dst[j] = factor[(z&0xffff-limit)>>63]
				z >>= 16
			}
			break
		}
		four := dst[i : i+4 : i+4]
		four[0] = factor[(z&0xffff-limit)>>63]
		four[1] = factor[(z>>16&0xffff-limit)>>63]
		four[2] = factor[(z>>32&0xffff-limit)>>63]
		four[3] = factor[(z>>48-limit)>>63]
	}
}

// splitStep is how far SplitMix64's state goes each time.
const splitStep = 0x9e3779b97f4a7c15
