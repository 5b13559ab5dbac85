package generated

import "math"

// ServiceSeen is what a slice's telemetry shows of a service, and the truth beside it.
type ServiceSeen struct {
	TrueMs   float64 // mean response time of all its calls, ms; NaN: there were none
	Ms       float64 // mean of the recorded calls, ms; NaN: none
	Calls    int64   // recorded
	Errors   int64   // of those
	CPU      float64 // cores, mean over replicas; NaN: none
	Memory   float64 // bytes, mean over replicas
	Replicas float64
	Spans    bool // calls were seen (false: lost)
	Metrics  bool // container metrics were seen
}

// EdgeSeen is what the callers' telemetry shows of an edge.
type EdgeSeen struct {
	Calls  int64   // recorded attempts
	Errors int64   // of those
	Ms     float64 // mean at the caller, ms; NaN: no calls
}

// Observation is what a slice's telemetry shows: services and edges in the order of
// Simulation.Services and Links.
type Observation struct {
	Services []ServiceSeen
	Edges    []EdgeSeen
	draws    []groupDraw // scratch: by group
}

// groupDraw is what was drawn of a group.
type groupDraw struct {
	count   float64 // recorded served calls
	served  float64 // expected
	mean    float64 // true seconds
	differs float64 // recorded mean less true mean, seconds
}

// Observe draws the telemetry of the slice that Run ended: a finite number of calls
// of heavy-tailed duration. Traces are recorded as wholes with probability sampling.
// lost is the share of points that get lost when nothing is overloaded. A callee's chance
// deviation is part of its callers', as they wait for the same calls.
func (s *Slicer) Observe(r *Rand, sampling, lost float64, o *Observation) {
	n, links := len(s.m.w.services), len(s.plan.groups)-len(s.m.w.services)
	if o.Services == nil {
		o.Services, o.Edges, o.draws = make([]ServiceSeen, n), make([]EdgeSeen, links), make([]groupDraw, n+links)
	}
	shares := make([]float64, len(s.traces))
	for a, traces := range s.traces {
		shares[a] = sampling
		if sampling < 1 && traces > 0 {
			shares[a] = r.count(traces*sampling, traces*sampling*(1-sampling)) / traces
		}
	}
	for i := n - 1; i >= 0; i-- { // callees first
		s.observeService(r, i, shares, lost, o)
	}
}

// observeService draws a service's recorded calls, edge by edge.
func (s *Slicer) observeService(r *Rand, i int, shares []float64, lost float64, o *Observation) {
	see := &o.Services[i]
	own := &s.own[i]
	variance := 0.0
	if own.calls > 0 {
		variance = own.variance/own.calls + s.branching(i, o)
	}
	below := s.below(i, o)
	var time, served, seen, recorded, fails float64
	for _, g := range s.plan.into[i] {
		d := &o.draws[g]
		*d = groupDraw{}
		sum, mean, spread := s.gather(&s.plan.groups[g], shares)
		if sum.served > 0 {
			d.served, d.mean = sum.served, sum.time/sum.served
			d.count = r.count(mean, spread)
			between := max(0, sum.square/sum.served-float64(d.mean*d.mean))
			if d.count > 0 {
				d.differs = max(s.deviation(r, d, variance+between)+below, -0.9*d.mean)
			}
			time += sum.time
			served += sum.served
			seen += float64(d.count * (d.mean + d.differs))
			recorded += d.count
			if sum.looked > 0 {
				fails += float64(d.count*sum.failed) / sum.looked
			}
		}
		if e := s.plan.groups[g].edge; e >= 0 {
			o.Edges[e] = s.observeEdge(r, &s.plan.groups[g], d, &sum, shares)
		}
	}
	*see = ServiceSeen{TrueMs: math.NaN(), Ms: math.NaN(), Calls: int64(recorded)}
	if served > 0 {
		see.TrueMs = time / served * 1e3
	}
	if recorded > 0 {
		see.Ms = seen / recorded * 1e3
		see.Errors = int64(r.binomial(recorded, fails/recorded))
	}
	see.CPU, see.Memory, see.Replicas = s.usage(i)
	lost += float64(0.25 * max(0, own.busy/float64(max(s.ticks, 1))-0.85))
	see.Spans, see.Metrics = !r.chance(lost), !r.chance(lost) && see.Replicas > 0
	if see.Metrics { // the scrapes do not fall on the slice's bounds
		see.CPU *= exp(0.01 * r.normal())
	}
}

// gather adds up a group's nodes, and returns the mean and the variance of the
// number of its recorded calls.
func (s *Slicer) gather(g *group, shares []float64) (sum placeSum, mean, variance float64) {
	for _, p := range g.parts {
		at := &s.places[p.place]
		sum.tried += float64(p.share * at.tried)
		sum.served += float64(p.share * at.served)
		sum.time += float64(p.share * at.time)
		sum.square += float64(p.share * at.square)
		sum.client += float64(p.share * at.client)
		sum.looked += float64(p.share * at.looked)
		sum.failed += float64(p.share * at.failed)
		sum.lookedTried += float64(p.share * at.lookedTried)
		sum.failedTried += float64(p.share * at.failedTried)
		calls := float64(p.share * at.served * shares[s.m.w.places[p.place].api])
		mean += calls
		variance += float64(calls * (1 - float64(p.share*s.plan.certain[p.place])))
	}
	return sum, mean, variance
}

// deviation draws the mean of the recorded calls less its expectation: calls are
// taken as log-normal, their mean as a shifted log-normal of the same variance and
// skewness, which is exact for one call and for many.
func (s *Slicer) deviation(r *Rand, d *groupDraw, variance float64) float64 {
	if variance <= 0 || d.mean <= 0 {
		return 0
	}
	spread := math.Sqrt(variance)
	cv := min(spread/d.mean, 4)
	skew := (float64(3*cv) + float64(cv*cv*cv)) / math.Sqrt(d.count)
	x := skew / 2 // w³ + 3w = skew
	y := ln(x+math.Sqrt(float64(x*x)+1)) / 3
	w := exp(y) - exp(-y)
	unshifted := cv * d.mean / math.Sqrt(d.count) / w
	sigma := math.Sqrt(ln(1 + float64(w*w)))
	return unshifted * (r.logNormal(sigma) - 1)
}

// branching is the variance that comes from a call making or not making its own
// calls, as far as they are optional.
func (s *Slicer) branching(i int, o *Observation) float64 {
	calls, sum := s.own[i].calls, 0.0
	for _, out := range s.plan.out[i] {
		if d := &o.draws[out.group]; d.served > 0 {
			made := d.served / calls
			sum += float64(float64(made*max(0, 1-made)) * float64(d.mean*d.mean))
		}
	}
	return sum
}

// below is what the deviations of a service's callees add to its own mean.
func (s *Slicer) below(i int, o *Observation) float64 {
	calls, sum := s.own[i].calls, 0.0
	if calls <= 0 {
		return 0
	}
	for _, out := range s.plan.out[i] {
		d := &o.draws[out.group]
		sum += float64(d.served / calls * d.differs)
	}
	return sum
}

// observeEdge draws what the callers saw of a group's calls.
func (s *Slicer) observeEdge(r *Rand, g *group, d *groupDraw, sum *placeSum, shares []float64) EdgeSeen {
	share := 0.0
	if sum.served > 0 {
		for _, p := range g.parts {
			share += float64(p.share * s.places[p.place].served * shares[s.m.w.places[p.place].api])
		}
		share /= sum.served
	}
	refused := max(0, sum.tried-sum.served) * share
	calls := d.count + r.count(refused, refused)
	seen := EdgeSeen{Calls: int64(calls), Ms: math.NaN()}
	if calls == 0 || sum.tried <= 0 {
		return seen
	}
	switch {
	case g.queue:
		seen.Ms = queueSend * 1e3
	case len(s.m.w.phantom) > 0:
		seen.Ms = (d.mean + d.differs) * 1e3
		if sum.looked > 0 {
			seen.Errors = int64(r.binomial(calls, sum.failed/sum.looked))
		}
	default:
		client := sum.client / sum.tried
		seen.Ms = max(client+d.differs, 0.1*client) * 1e3
		if sum.lookedTried > 0 {
			seen.Errors = int64(r.binomial(calls, sum.failedTried/sum.lookedTried))
		}
	}
	return seen
}

// count draws a number of events with a mean and a variance of at most the mean: as
// Poisson numbers where the two are near each other and small, else as a rounded normal.
func (r *Rand) count(mean, variance float64) float64 {
	switch {
	case mean <= 0:
		return 0
	case mean < 40 && variance > 0.8*mean:
		return float64(r.poisson(mean))
	default:
		x := mean + float64(math.Sqrt(max(variance, 0))*r.normal())
		return max(0, math.Floor(x+r.unit()))
	}
}

// binomial draws how many of n events happen with probability p.
func (r *Rand) binomial(n, p float64) float64 {
	p = min(max(p, 0), 1)
	if n <= 20 {
		k := 0.0
		for range int(n) {
			if r.chance(p) {
				k++
			}
		}
		return k
	}
	if p > 0.5 {
		return n - r.binomial(n, 1-p)
	}
	return min(n, r.count(n*p, n*p*(1-p)))
}
