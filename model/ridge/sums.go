package ridge

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// sums are the moments of all rows that the weights follow from. A row is a constant 1 and F columns.
// Rows with every horizon's change share one matrix of squares; each horizon has another one for rows
// that lack some.
type sums struct {
	size     int // 1 + F
	squares  blas64.Symmetric
	partial  []blas64.Symmetric // [H]; nil data until needed
	products [][]float64        // [H][1 + F] row × change
	block    blas64.General     // rows to add to squares
	one      []float64          // a row with its constant
}

// blockRows is how many rows are added by one product.
const blockRows = 512

func newSums(columns, horizons int) *sums {
	n := columns + 1
	g := &sums{size: n, squares: symmetric(n), partial: make([]blas64.Symmetric, horizons), one: make([]float64, n)}
	for range horizons {
		g.products = append(g.products, make([]float64, n))
	}
	g.block = blas64.General{Rows: 0, Cols: n, Stride: n, Data: make([]float64, blockRows*n)}
	return g
}

func symmetric(n int) blas64.Symmetric {
	return blas64.Symmetric{N: n, Stride: n, Uplo: blas.Upper, Data: make([]float64, n*n)}
}

// add takes a row in with its changes [H], NaN where unknown.
func (g *sums) add(x, changes []float64) {
	g.one[0] = 1
	copy(g.one[1:], x)
	row := blas64.Vector{N: g.size, Inc: 1, Data: g.one}
	complete := !slices.ContainsFunc(changes, math.IsNaN)
	for h, y := range changes {
		if math.IsNaN(y) {
			continue
		}
		blas64.Axpy(y, row, blas64.Vector{N: g.size, Inc: 1, Data: g.products[h]})
		if !complete {
			if g.partial[h].Data == nil {
				g.partial[h] = symmetric(g.size)
			}
			blas64.Syr(1, row, g.partial[h])
		}
	}
	if !complete {
		return
	}
	copy(g.block.Data[g.block.Rows*g.size:], g.one)
	if g.block.Rows++; g.block.Rows == blockRows {
		g.flush()
	}
}

// flush adds the rows that wait.
func (g *sums) flush() {
	if g.block.Rows > 0 {
		blas64.Syrk(blas.Trans, 1, g.block, 1, g.squares)
		g.block.Rows = 0
	}
}

// solve gives the weights [1 + F] of a horizon: of the columns, standardised, those that make the sum of squares plus
// penalty × rows × the weights' squares least; the constant is free. A column that never
// varies weighs nothing, and without rows nothing does.
func (g *sums) solve(h int, penalty float64) ([]float32, error) {
	at := func(i, j int) float64 {
		v := g.squares.Data[i*g.size+j]
		if p := g.partial[h].Data; p != nil {
			v += p[i*g.size+j]
		}
		return v
	}
	weights := make([]float32, g.size)
	n := at(0, 0)
	if n == 0 {
		return weights, nil
	}
	f := g.size - 1
	means, deviations := make([]float64, f), make([]float64, f)
	for i := range f {
		means[i] = at(0, i+1) / n
		// What rounding leaves of a constant column is no spread.
		square := at(i+1, i+1) / n
		if v := square - means[i]*means[i]; v > 1e-12*square {
			deviations[i] = math.Sqrt(v)
		}
	}
	meanChange := g.products[h][0] / n
	a, b := mat.NewSymDense(f, nil), mat.NewVecDense(f, nil)
	for i := range f {
		a.SetSym(i, i, 1+penalty)
		if deviations[i] == 0 {
			continue
		}
		b.SetVec(i, (g.products[h][i+1]/n-means[i]*meanChange)/deviations[i])
		for j := i + 1; j < f; j++ {
			if deviations[j] > 0 {
				a.SetSym(i, j, (at(i+1, j+1)/n-means[i]*means[j])/(deviations[i]*deviations[j]))
			}
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(a) {
		return nil, errors.New("the sums of squares have no Cholesky factor")
	}
	var w mat.VecDense
	if err := factor.SolveVecTo(&w, b); err != nil {
		var condition mat.Condition
		if !errors.As(err, &condition) { // a badly conditioned solution is a solution, held by the penalty
			return nil, err
		}
	}
	constant := meanChange
	for i := range f {
		if deviations[i] > 0 {
			v := w.AtVec(i) / deviations[i]
			weights[i+1] = float32(v)
			constant -= v * means[i]
		}
	}
	weights[0] = float32(constant)
	return weights, nil
}
