package generated

import "math"

// The parameters of a service's slow changes.
const (
	missDeviation = 0.25 // log deviation of cache misses
	missTau       = 300.0
	warmTau       = 45.0 // a fresh replica's warm-up, seconds
	coldTau       = 90.0 // a cache's refill

	scaleEvery    = 15.0 // seconds between an autoscaler's looks
	scaleTolerate = 0.1  // it does nothing within this share of the target
	scaleDown     = 300.0
)

// stepServices moves what changes slowly in every service: mix of requests, cache
// misses, warm-up, pauses, replicas.
func (w *world) stepServices(s *State, r *Rand, t *Tick) {
	dt := w.opt.Tick.Seconds()
	for i := range w.services {
		svc, me, c := &w.services[i], &s.Services[i], &t.Services[i]
		me.Work = r.ornstein(me.Work, w.workKeep[i], w.law.WorkDeviation)
		w.stepPressure(me, i)
		me.Cold *= w.decay.cold
		if svc.cache >= 0 {
			me.Missing = r.ornstein(me.Missing, w.decay.miss, missDeviation)
			c.Missing = min(1, float64(svc.missing*exp(me.Missing))+float64(0.5*me.Cold))
		}
		for k := range me.Replicas {
			if rep := &me.Replicas[k]; rep.Ready <= s.Tick {
				rep.Cold *= w.decay.warm
			}
		}
		w.stepPauses(i, me, c, r, dt)
		w.stepTrouble(s, i, dt)
		w.autoscale(s, r, i, dt)
	}
}

// operators' patience with a service whose queue does not empty, seconds.
const patience = 360.0

// stepTrouble counts how long a service has been overloaded, and calls an operator
// when it has been so for long.
func (w *world) stepTrouble(s *State, i int, dt float64) {
	me := &s.Services[i]
	if me.Backlog < me.Rate && me.Refused == 0 {
		me.Trouble = max(0, me.Trouble-float64(3*dt))
		return
	}
	if me.Trouble += dt; me.Trouble >= patience {
		w.relieve(s, i)
	}
}

// stepPauses fills the replicas' heaps as calls come and stops the full ones.
func (w *world) stepPauses(i int, me *ServiceState, c *Condition, r *Rand, dt float64) {
	c.Pauses = c.Pauses[:0]
	svc := &w.services[i]
	if svc.pauses == 0 {
		return
	}
	load := min(me.Arriving/max(w.loads[i], 1e-9), 5)
	for k := range me.Replicas {
		rep := &me.Replicas[k]
		full := 1 + float64(rep.Leak/svc.memory*6) // a leak leaves less to fill
		rep.Heap += float64(svc.pauses * load * full * dt * r.between(0.5, 1.5))
		if rep.Heap >= 1 {
			rep.Heap = 0
			long := min(0.06*full*r.logNormal(0.5), 0.9*dt)
			c.Pauses = append(c.Pauses, Pause{Replica: k, From: r.unit() * (dt - long), Long: long})
		}
	}
}

// autoscale looks at a service's utilisation every few seconds and starts
// replicas at once, which serve after a while, or stops them when they were not needed
// for long.
func (w *world) autoscale(s *State, r *Rand, i int, dt float64) {
	svc, me := &w.services[i], &s.Services[i]
	if svc.maxReplicas <= svc.replicas || s.Tick%max(1, int64(scaleEvery/dt)) != int64(i)%max(1, int64(scaleEvery/dt)) {
		return
	}
	n := len(me.Replicas)
	wish := int(math.Ceil(float64(n) * me.Busy / w.law.ScaleTarget))
	wish = min(max(wish, svc.replicas), svc.maxReplicas)
	switch {
	case wish > n && me.Busy > w.law.ScaleTarget*(1+scaleTolerate):
		me.Calm = 0
		lag := int64(r.within(w.law.ScaleLag) / dt)
		for range wish - n {
			me.Replicas = append(me.Replicas, s.newReplica(w, r, int32(i), s.Tick+lag, me.Version))
		}
	case wish < n:
		if me.Calm += scaleEvery; me.Calm >= scaleDown {
			me.Calm = 0
			me.Replicas = me.Replicas[:n-1]
		}
	default:
		me.Calm = 0
	}
}
