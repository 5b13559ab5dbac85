package generated

import "math"

// drawCapacity gives every service its work and as many slots as its mean load
// needs at a drawn utilisation. Services with little load get slots below one core,
// as CPU limits do, and beyond that stay idle most of the time.
func (w *world) drawCapacity(r *Rand) {
	for i := range w.services {
		s := &w.services[i]
		var own, busy, longest float64
		switch s.kind {
		case kindApp:
			own, busy, longest = 0.010*r.logNormal(0.6), r.within(w.law.Busy), 0.09
			s.sigma = r.within(w.law.Sigma)
		case kindDatabase:
			own, busy, longest = 0.005*r.logNormal(0.5), r.within(w.law.StoreBusy), 0.05
			s.sigma = r.within(w.law.StoreSigma)
		case kindCache:
			own, busy, longest = 0.0008*r.logNormal(0.3), r.between(0.12, 0.32), 0.005
			s.sigma = r.between(0.4, 0.7)
		}
		if s.tier == 0 {
			own, busy = 0.004*r.logNormal(0.2), r.between(0.24, 0.4)
		}
		s.cv2 = exp(s.sigma*s.sigma) - 1
		wanted := lerp(w.loads[i], w.peaks[i], 0.8) * lerp(1, w.peakSeason, 0.8) * own / busy // cores
		s.replicas, s.slots, s.speed = 2, 1, 1
		if s.kind != kindApp {
			s.replicas = 1
		}
		switch {
		case wanted >= 4:
			s.slots = 2
			if wanted > 16 {
				s.slots = 4
			}
			s.replicas = int(math.Ceil(wanted / float64(s.slots)))
		case wanted >= 2 && s.kind == kindApp:
			s.replicas = int(math.Ceil(wanted))
		}
		if s.replicas == 2 && wanted/2 < own/longest {
			s.replicas = 1 // two would be idle
		}
		s.speed = min(1, max(wanted/float64(s.replicas*s.slots), own/longest))
		if s.kind != kindApp && s.slots*s.replicas < int(wanted+1) {
			s.slots = int(wanted + 1)
			s.speed = min(1, max(wanted/float64(s.replicas*s.slots), own/longest))
		}
		s.work = own / s.speed
		s.maxReplicas = s.replicas
		if s.kind == kindApp && r.chance(w.law.ScaledShare) {
			s.maxReplicas = 2*s.replicas + 1
		}
		s.thread = math.Floor(r.between(24, 80))
		if s.kind != kindApp {
			s.thread = 200
		}
		s.queue = math.Floor(r.between(60, 300))
		s.errors = 0.002 * r.unit()
		s.memory = 1e6 * math.Floor(r.between(120, 700))
		if s.kind == kindApp && r.chance(0.7) {
			s.pauses = 1 / r.between(20, 120)
		}
	}
}

// drawEdgePolicies gives every edge its time-out, retries and breaker. Time-outs
// are a multiple of the callee's response time in an idle system, as teams set them.
func (w *world) drawEdgePolicies(r *Rand) {
	idle := w.idleTimes()
	for i := range w.services { // pools hold a few times the calls that are usually in flight
		s := &w.services[i]
		flight := w.peaks[i] * w.peakSeason * idle[i] * 1.5 / float64(s.replicas)
		s.thread = max(s.thread, math.Floor(flight*r.between(2.5, 6)))
	}
	for e := range w.edges {
		edge := &w.edges[e]
		edge.network = 0.0004 * r.logNormal(0.4)
		edge.timeout = max(niceTime(r.within(w.law.Timeout)*idle[edge.callee]), 0.1)
		edge.budget = 2
		if edge.kind == callQueue {
			continue
		}
		if r.chance(w.law.RetryShare) {
			edge.retries = 1 + r.below(w.law.MaxRetries)
			if r.chance(w.law.BudgetedShare) {
				edge.budget = r.within(w.law.Budget)
			}
		}
		edge.breaker = r.chance(w.law.BreakerShare)
	}
}

// idleTimes returns how long a call of each service takes when nothing waits.
func (w *world) idleTimes() []float64 {
	idle := make([]float64, len(w.services))
	for s := len(w.services) - 1; s >= 0; s-- {
		sum, count := w.services[s].work, 0.0
		calls := 0.0
		for _, p := range w.places[w.first[s]:w.first[s+1]] {
			nodes := w.apis[p.api].variants[p.variant].nodes
			count++
			for _, c := range nodes[p.node].children {
				if nodes[c].kind != callQueue {
					calls += float64(nodes[c].share * float64(nodes[c].repeats) * idle[nodes[c].service])
				}
			}
		}
		idle[s] = sum + calls/max(count, 1)
	}
	return idle
}

// niceTime rounds seconds to one, two or five times a power of ten, as people do.
func niceTime(x float64) float64 {
	unit := 0.001
	for unit*10 <= x {
		unit *= 10
	}
	for _, f := range [...]float64{1, 2, 5} {
		if x <= f*unit {
			return f * unit
		}
	}
	return 10 * unit
}
