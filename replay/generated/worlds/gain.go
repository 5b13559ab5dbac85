package worlds

import "math"

// The regressions of graphGain look gainLags slices back, at gainCallees callees at most.
const (
	gainLags    = 4
	gainCallees = 8
)

// graphGain fits, for every service, two ridge regressions of the response time h slices
// ahead to the part before the test: on its own past (response time, load, CPU), and on that of
// its callees and the times of its calls beside it. It returns the median over services
// with callees of the share by which these lower the absolute error in the test part. Linear and small as the regressions are, they tell a graph that carries
// something from one that does not.
func (d *Data) graphGain(h int) float64 {
	n := len(d.Nodes)
	response, load, cpu := make([][]float64, n), make([][]float64, n), make([][]float64, n)
	for i := range d.Nodes {
		response[i] = filled(logs(d.Response, n, i, 0))
		load[i] = filled(logs(d.Requests, n, i, 0))
		cpu[i] = filled(logs(d.CPU, n, i, 0))
	}
	callees, edges := make([][]int32, n), make([][]int, n)
	for k, e := range d.Edges {
		if edges[e.Caller] = append(edges[e.Caller], k); !d.Nodes[e.Callee].Store {
			callees[e.Caller] = append(callees[e.Caller], e.Callee)
		}
	}
	var gains []float64
	for i := range d.Nodes {
		if d.Nodes[i].Store || len(callees[i]) == 0 {
			continue
		}
		own := [][]float64{response[i], load[i], cpu[i]}
		more := own[:3:3]
		for _, c := range callees[i][:min(len(callees[i]), gainCallees)] {
			more = append(more, response[c], load[c], cpu[c])
		}
		for _, e := range edges[i][:min(len(edges[i]), gainCallees)] {
			more = append(more, filled(logs(d.EdgeMs, len(d.Edges), e, 0)))
		}
		target := logs(d.Response, n, i, 0)
		a, b := ridgeError(target, own, h, d.TestFrom()), ridgeError(target, more, h, d.TestFrom())
		if a > 0 && b == b {
			gains = append(gains, 1-b/a)
		}
	}
	return middle(gains)
}

// filled carries the last value over gaps; before the first there is zero.
func filled(x []float64) []float64 {
	last := 0.0
	for i, v := range x {
		if v == v {
			last = v
		}
		x[i] = last
	}
	return x
}

// ridgeError fits y[t+h] to the last values of the inputs for targets before cut, and
// returns the mean absolute error from cut on.
func ridgeError(y []float64, inputs [][]float64, h, cut int) float64 {
	width := len(inputs)*gainLags + 1
	normal := make([][]float64, width)
	for i := range normal {
		normal[i] = make([]float64, width+1)
		normal[i][i] = 3
	}
	row := make([]float64, width)
	features := func(t int) {
		row[0] = 1
		for k, x := range inputs {
			for lag := range gainLags {
				row[1+k*gainLags+lag] = x[t-lag]
			}
		}
	}
	for t := gainLags; t+h < cut; t++ {
		if y[t+h] != y[t+h] {
			continue
		}
		features(t)
		for p, v := range row {
			for q := p; q < width; q++ {
				normal[p][q] += v * row[q]
			}
			normal[p][width] += v * y[t+h]
		}
	}
	weights := solve(normal)
	sum, count := 0.0, 0.0
	for t := max(gainLags, cut-h); t+h < len(y); t++ {
		if y[t+h] != y[t+h] {
			continue
		}
		features(t)
		miss := y[t+h]
		for p, v := range row {
			miss -= weights[p] * v
		}
		sum += math.Abs(miss)
		count++
	}
	return sum / count
}

// solve solves a positive definite system of which the upper half is given, with the right
// side as its last column, by Cholesky's method.
func solve(a [][]float64) []float64 {
	n := len(a)
	for i := range n {
		for j := range i {
			for k := i; k <= n; k++ {
				a[i][k] -= a[j][i] * a[j][k]
			}
		}
		root := math.Sqrt(a[i][i])
		for k := i; k <= n; k++ {
			a[i][k] /= root
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = a[i][n]
		for k := i + 1; k < n; k++ {
			x[i] -= a[i][k] * x[k]
		}
		x[i] /= a[i][i]
	}
	return x
}
