package stgnn

import "presage/model"

// The ways in which a channel comes to a service from others, in the order of features.d.
const (
	alongOnce   = iota // mean over callees, weighted by calls
	alongTwice         // the same of that
	againstOnce        // mean over callers
	againstTwice
	alongTime // mean over callees, weighted by the time spent in them
	byLead    // mean over services that move before this one does
	byAll     // mean over all services
	ways
)

// maker makes the default mode's features of slices. It keeps what it prepared for the last graph
// and services, and its scratch.
type maker struct {
	l     *learned
	ring  *ring // whose spare features are used again; may be nil
	graph reach
	kin   kin

	x, one, two []mark    // [N]
	z           []float32 // [N] one channel
}

func newMaker(l *learned, r *ring) *maker { return &maker{l: l, ring: r} }

// features scales and diffuses one slice.
func (m *maker) features(s *model.Step, known []int32, news unseen) *features {
	out := m.ring.reused()
	m.l.standardise(out, s, known, news)
	m.diffuse(s.Graph, out)
	return out
}

// diffuse fills d, there and degree.
func (m *maker) diffuse(g *model.Graph, out *features) {
	n, cd := len(out.services), len(m.l.channels.diffused)
	out.d, out.there, out.degree = sized(out.d, n*cd*ways), sized(out.there, n), sized(out.degree, 2*n)
	clear(out.d)
	clear(out.there)
	clear(out.degree)
	mode := m.l.cfg.Graph
	if mode == GraphOff || n == 0 {
		return
	}
	m.x, m.one, m.two, m.z = sized(m.x, n), sized(m.one, n), sized(m.two, n), sized(m.z, n)
	if mode == GraphOn {
		m.graph.of(g, n)
		m.kin.of(m.l.lead, len(m.l.scale.names), out.known)
		copy(out.degree, m.graph.degree)
	}
	for k, c := range m.l.channels.diffused {
		m.channel(out, c)
		if mode == GraphOn {
			m.walk(out, k, 0, n)
		}
		all(m.x, out.way(k, byAll))
	}
}

// way is where the values of a diffused channel that come along a way are kept.
func (s *features) way(k, w int) way {
	stride := len(s.d) / len(s.services)
	return way{d: s.d[k*ways+w:], stride: stride, there: s.there, bit: 1 << (k*ways + w)}
}

// channel takes one channel of a slice.
func (m *maker) channel(s *features, channel int) {
	f := len(m.l.task.Channels)
	for i := range m.z {
		m.z[i] = s.z[i*f+channel]
	}
	if m.l.guarded() {
		bounded(m.z, m.z) // one absurd value must not drown all neighbours
	}
	for i, z := range m.z {
		m.x[i] = mark{z, 1}
		if z != z {
			m.x[i] = mark{}
		}
	}
}

// walk averages diffused channel k over the neighbours of the services from … to - 1. Whoever splits it
// up must wait for all first steps before the second ones.
func (m *maker) walk(out *features, k, from, to int) {
	g := &m.graph
	g.along.mean(m.x, m.one, out.way(k, alongOnce), from, to)
	g.along.mean(m.one, m.two, out.way(k, alongTwice), from, to)
	g.against.mean(m.x, m.one, out.way(k, againstOnce), from, to)
	g.against.mean(m.one, m.two, out.way(k, againstTwice), from, to)
	if g.timed && m.l.cfg.Edges == EdgesTime {
		g.time.mean(m.x, m.two, out.way(k, alongTime), from, to)
	}
	m.kin.links.mean(m.x, m.two, out.way(k, byLead), from, to)
}

// all is the mean over all services, the same for each.
func all(x []mark, d way) {
	var sum, count float32
	for _, m := range x {
		sum += m.value
		count += m.there
	}
	if count == 0 {
		return
	}
	mean := sum / count
	for i := range x {
		d.put(i, mean)
	}
}
