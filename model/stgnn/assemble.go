package stgnn

import "presage/model/tensor/kernel"

// rowWidth is the number of inputs of one service's row:
//
//	T × Cd × ways  diffused values less the service's own last value
//	Cd × T         own diffused channels: earlier values less the last, then the last
//	Co × T         own other channels
//	T + 1          mask of the target, age of its last value
//	2              mean less last of the target in the window, log of the change's unit (of the spread, without one)
//	2              standing among the services
//	2              log degrees
//	4              phases of day and week
func (l *learned) rowWidth() int {
	t := l.task.Input
	cd, co := len(l.channels.diffused), len(l.channels.own)
	return t*cd*ways + cd*t + co*t + t + 1 + 2 + 2 + 2 + clockFeatures
}

// assembler makes batches of what the network reads. Its own memory serves one goroutine; what it
// reads is only looked at, so that others may assemble other rows of the same batch with scratch of their own.
type assembler struct {
	l       *learned
	guarded bool

	// The layout of a row.
	input, channels, diffused int   // T, F, Cd
	series                    []int // [F] where each channel's window begins; the target's is series[target]
	first                     []int // [Cd] the same of the diffused ones
	target                    int
	mask, local, width        int

	logs []float32 // [names + 1] logarithms of the usual units
	desk *desk     // fill's and one's
}

// assembleRows is the number of rows that are written slice by slice: enough for long runs of each slice's
// features, few enough to stay in the cache.
const assembleRows = 64

// maxDiffused bounds Cd: the target, response time and load.
const maxDiffused = 3

// desk is the scratch of a block of rows.
type desk struct {
	at          []int32 // [T, rows] each service's row in each slice, or -1
	holes       [assembleRows]bool
	last        [assembleRows][maxDiffused * ways]float32 // what is taken off in a slice: zero where nothing came
	there       [assembleRows]uint32
	local, told [assembleRows]float32 // spread around the last value, logarithm of the unit
}

func newDesk(input int) *desk { return &desk{at: make([]int32, input*assembleRows)} }

func newAssembler(l *learned) *assembler {
	n, cd := l.task.Input, len(l.channels.diffused)
	a := &assembler{
		l: l, guarded: l.guarded(), input: n, channels: len(l.task.Channels), diffused: cd, width: l.rowWidth(),
		series: make([]int, len(l.task.Channels)), desk: newDesk(n),
	}
	next := n * cd * ways
	for _, c := range l.channels.diffused {
		a.series[c], a.first, next = next, append(a.first, next), next+n
	}
	for _, c := range l.channels.own {
		a.series[c], next = next, next+n
	}
	a.target, a.mask, a.local = a.series[l.task.Target], next, next+n+1
	for _, u := range l.usual {
		a.logs = append(a.logs, logUnit(u))
	}
	return a
}

// pane is a view and what all rows of it have in common.
type pane struct {
	*view
	last  *features
	clock [clockFeatures]float32
	slot  int32
}

func (a *assembler) pane(v *view) pane {
	p := pane{view: v, last: v.last(), slot: a.l.clock.slot(v.at)}
	a.l.clock.encode(v.at, p.clock[:])
	return p
}

// fill assembles a batch of services of several views; those of one view follow each other.
func (a *assembler) fill(b *batch[float32], views []view, services []int) {
	a.size(b, len(services))
	for from := 0; from < len(services); {
		to := from + 1
		for to < len(services) && views[to].same(&views[from]) {
			to++
		}
		p := a.pane(&views[from])
		a.assemble(b, &p, services, from, to, a.desk)
		from = to
	}
}

// one assembles a batch of services of one view.
func (a *assembler) one(b *batch[float32], v *view, services []int) {
	a.size(b, len(services))
	p := a.pane(v)
	a.assemble(b, &p, services, 0, len(services), a.desk)
}

func (a *assembler) size(b *batch[float32], rows int) {
	b.x = sized(b.x, rows*a.width)
	b.base, b.unit, b.trust = sized(b.base, rows), sized(b.unit, rows), sized(b.trust, rows)
	b.slot, b.name = sized(b.slot, rows), sized(b.name, rows)
}

// assemble writes the rows from … to - 1 of a batch, all of one view.
func (a *assembler) assemble(b *batch[float32], p *pane, services []int, from, to int, d *desk) {
	for ; from < to; from += assembleRows {
		end := min(from+assembleRows, to)
		x, names := b.x[from*a.width:end*a.width], b.name[from:end]
		for k, i := range services[from:end] {
			names[k] = p.last.known[i]
			b.slot[from+k] = p.slot
		}
		p.place(services[from:end], d.at)
		a.own(p, x, d)
		for k, i := range services[from:end] {
			b.base[from+k] = a.row(p, i, k, x[k*a.width:(k+1)*a.width], d)
			b.trust[from+k] = a.l.trust(names[k], b.base[from+k])
		}
		a.neighbours(p, x, d)
		unit := b.unit[from:end]
		a.units(unit, names, d)
		for k, u := range unit {
			a.scale(x[k*a.width:(k+1)*a.width], u, d.told[k])
		}
		if a.guarded {
			bounded(x, x)
		}
	}
}

// own writes the windows of all channels, NaN where a value is missing.
func (a *assembler) own(p *pane, x []float32, d *desk) {
	f, rows := a.channels, len(x)/a.width
	clear(d.holes[:])
	for t, s := range p.slices {
		for k, r := range d.at[t*assembleRows : t*assembleRows+rows] {
			x := x[k*a.width+t : (k+1)*a.width]
			if r < 0 {
				d.holes[k] = true
				for _, first := range a.series {
					x[first] = missing()
				}
				continue
			}
			z := s.z[int(r)*f : int(r)*f+f]
			series := a.series[:len(z)]
			var sum float32
			for c, v := range z {
				x[series[c]] = v
				sum += v
			}
			if sum != sum {
				d.holes[k] = true
			}
		}
	}
}

// row writes the inputs of row k, service i, that come from the service itself, and returns its last
// target value.
func (a *assembler) row(p *pane, i, k int, x []float32, d *desk) (base float32) {
	n := a.input
	age := 0
	if d.holes[k] {
		age = a.mend(x)
	} else {
		mask := x[a.mask : a.mask+n]
		for t := range mask {
			mask[t] = 1
		}
	}
	x[a.mask+n] = float32(age) / float32(n)
	for j, first := range a.first {
		s := x[first : first+n]
		last := s[n-1]
		for t := range s[:n-1] {
			s[t] -= last
		}
		for w := j * ways; w < (j+1)*ways; w++ {
			d.last[k][w] = last
		}
	}
	d.there[k] = ^uint32(0)
	target := x[a.target : a.target+n]
	d.local[k] = spread(target[:n-1])

	rest := x[a.local:a.width]
	standing, degree := a.l.standing(p, i), p.last.degree[2*i:2*i+2]
	rest[2], rest[3] = standing[0], standing[1]
	rest[4], rest[5] = degree[0], degree[1]
	*(*[clockFeatures]float32)(rest[6:]) = p.clock
	return target[n-1]
}

// mend writes the mask of the target, carries values forward and returns the age of the target's last one.
func (a *assembler) mend(x []float32) (age int) {
	n := a.input
	for t, z := range x[a.target : a.target+n] {
		x[a.mask+t] = 1
		if z != z {
			x[a.mask+t] = 0
		}
	}
	for _, first := range a.series {
		if k := carry(x[first : first+n]); first == a.target {
			age = k
		}
	}
	return age
}

// neighbours writes the diffused values less the service's own last ones, zero where there are none.
func (a *assembler) neighbours(p *pane, x []float32, d *desk) {
	width, rows := a.diffused*ways, len(x)/a.width
	for t, s := range p.slices {
		for k, r := range d.at[t*assembleRows : t*assembleRows+rows] {
			out := x[k*a.width+t*width : k*a.width+(t+1)*width]
			if r < 0 {
				clear(out)
				continue
			}
			last := &d.last[k]
			if s.there[r] != d.there[k] { // seldom: it comes from the graph, which changes slowly
				d.there[k] = s.there[r]
				a.lasts(x[k*a.width:(k+1)*a.width], d.there[k], last)
			}
			in := s.d[int(r)*width : (int(r)+1)*width]
			for j := 0; j < width; j += ways {
				less((*[ways]float32)(out[j:]), (*[ways]float32)(in[j:]), (*[ways]float32)(last[j:]))
			}
		}
	}
}

// lasts puts the last value of each channel where something came to it.
func (a *assembler) lasts(x []float32, there uint32, last *[maxDiffused * ways]float32) {
	for k, first := range a.first {
		z := x[first+a.input-1]
		for w := k * ways; w < (k+1)*ways; w++ {
			last[w] = 0
			if there>>w&1 != 0 {
				last[w] = z
			}
		}
	}
}

// less is d - last.
func less(out, d, last *[ways]float32) {
	out[0], out[1], out[2] = d[0]-last[0], d[1]-last[1], d[2]-last[2]
	out[3], out[4], out[5] = d[3]-last[3], d[4]-last[4], d[5]-last[5]
	out[6] = d[6] - last[6]
}

// scale puts the target's changes into their unit.
func (a *assembler) scale(x []float32, unit, told float32) {
	var sum float32
	target := x[a.target : a.target+a.input-1]
	for t, z := range target {
		z /= unit
		target[t] = z
		sum += z
	}
	x[a.local], x[a.local+1] = sum/float32(a.input), told
}

// bounded compresses what the network reads beyond two deviations along a logarithm: outside of
// what training holds the network would extrapolate, while the value that its change is added to
// stays what it is. NaN stays NaN.
func bounded(dst, src []float32) { kernel.Compress(dst, src) }

// standing is where the target of service i stands among those of training.
func (l *learned) standing(p *pane, i int) [2]float32 {
	f, c := len(l.task.Channels), l.task.Target
	if row := p.last.known[i]; row >= 0 {
		return [2]float32(l.scale.level[2*(int(row)*f+c):])
	}
	if n, ok := p.news[p.last.services[i]]; ok {
		return [2]float32(n.level[2*c:])
	}
	return [2]float32{}
}
