package stgnn

import (
	"math"

	"presage/model"
)

// mark is a value and whether it is there (1 or 0); what isn't there has the value 0, so that sums need
// no branch.
type mark struct{ value, there float32 }

// links lists for each service those that it averages over, in CSR.
type links struct {
	first  []int32 // [N+1]
	to     []int32
	weight []float32
}

// mean averages x over the links of the services from … to - 1 and writes it to out, and as one way
// to d; those without any value get nothing.
func (l *links) mean(x, out []mark, d way, from, to int) {
	for i := from; i < to; i++ {
		at, end := l.first[i], l.first[i+1]
		neighbours := l.to[at:end]
		weights := l.weight[at:end][:len(neighbours)]
		var sum, weight float32
		for e, j := range neighbours {
			m, w := x[j], weights[e]
			sum += w * m.value
			weight += w * m.there
		}
		out[i] = mark{}
		if weight > 0 {
			v := sum / weight
			out[i] = mark{v, 1}
			d.put(i, v)
		}
	}
}

// way is one way's place in features.d and features.there, both zero before.
type way struct {
	d      []float32 // of the first service
	stride int
	there  []uint32
	bit    uint32
}

func (w *way) put(i int, v float32) {
	w.d[i*w.stride] = v
	w.there[i] |= w.bit
}

// reach is what diffusion needs of a graph. It is made once for a graph that slices share.
// Edges from a service to itself are left out: each service has a path of its own.
type reach struct {
	graph   *model.Graph
	along   links // to callees
	against links // to callers
	time    links // to callees, weighted by calls × mean duration
	timed   bool
	degree  []float32 // [N, 2] log(1 + number of callees, of callers)
	next    []int32   // [N] scratch
	made    int       // graphs prepared since the start
}

// of prepares a graph, unless it is the last one.
func (r *reach) of(g *model.Graph, n int) {
	if r.graph == g && len(r.degree) == 2*n {
		return
	}
	r.graph = g
	r.made++
	r.straight(g, n)
	r.turned(n)
	r.degree = sized(r.degree, 2*n)
	for i := range n {
		r.degree[2*i] = logCount(r.along.first[i+1] - r.along.first[i])
		r.degree[2*i+1] = logCount(r.against.first[i+1] - r.against.first[i])
	}
}

// straight copies the graph without loops.
func (r *reach) straight(g *model.Graph, n int) {
	a := &r.along
	a.first = sized(a.first, n+1)
	a.to, a.weight = sized(a.to, len(g.Col))[:0], sized(a.weight, len(g.Col))[:0]
	a.first[0] = 0
	r.timed = len(g.MeanMs) == len(g.Col)
	spent := r.time.weight[:0]
	for i := range n {
		for e := g.RowPtr[i]; e < g.RowPtr[i+1]; e++ {
			if int(g.Col[e]) != i {
				a.to, a.weight = append(a.to, g.Col[e]), append(a.weight, g.Weight[e])
				if r.timed {
					spent = append(spent, g.Weight[e]*g.MeanMs[e])
				}
			}
		}
		a.first[i+1] = int32(len(a.to))
	}
	r.time = links{a.first, a.to, spent}
}

// turned lists the edges by callee, so that each service gathers from its callers.
func (r *reach) turned(n int) {
	a, b := &r.along, &r.against
	b.first, b.to, b.weight = sized(b.first, n+1), sized(b.to, len(a.to)), sized(b.weight, len(a.to))
	clear(b.first)
	for _, j := range a.to {
		b.first[j+1]++
	}
	for i := range n {
		b.first[i+1] += b.first[i]
	}
	r.next = sized(r.next, n)
	copy(r.next, b.first)
	for i := range n {
		for e := a.first[i]; e < a.first[i+1]; e++ {
			j := a.to[e]
			b.to[r.next[j]], b.weight[r.next[j]] = int32(i), a.weight[e]
			r.next[j]++
		}
	}
}

func logCount(n int32) float32 { return float32(math.Log1p(float64(n))) }

// kin links the leading services of one set of services. It is made once for slices that share their
// services' places in the scaler.
type kin struct {
	known []int32
	links links
	place []int32 // [names] of the scaler's services in the slice, plus one
}

// of prepares the links, unless they are the last ones.
func (k *kin) of(led lead, names int, known []int32) {
	if len(k.known) == len(known) && len(k.links.first) > 0 && (len(known) == 0 || &k.known[0] == &known[0]) {
		return
	}
	k.known = known
	k.place = sized(k.place, names)
	clear(k.place)
	for i, row := range known {
		if row >= 0 {
			k.place[row] = int32(i) + 1
		}
	}
	a := &k.links
	a.first = sized(a.first, len(known)+1)
	a.to, a.weight = a.to[:0], a.weight[:0]
	a.first[0] = 0
	for i, row := range known {
		if row >= 0 {
			k.add(led, int(row)*led.k, (int(row)+1)*led.k)
		}
		a.first[i+1] = int32(len(a.to))
	}
}

// add links to those of the listed services that are there.
func (k *kin) add(led lead, from, to int) {
	for m := from; m < to && led.index[m] >= 0; m++ {
		if p := k.place[led.index[m]]; p > 0 {
			k.links.to, k.links.weight = append(k.links.to, p-1), append(k.links.weight, led.weight[m])
		}
	}
}
