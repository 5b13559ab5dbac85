package generated

// drawMemories says how fast the noise of every API's load and every service's work
// forgets. Where memories differ, how long a slow response lasts depends on whose slowness it
// is: the caller's own series does not tell, the callee's does.
func (w *world) drawMemories() {
	dt := w.opt.Tick.Seconds()
	r := NewRand(w.opt.Seed, streamMemories)
	draw := func(tau float64, keep float64) float64 {
		if w.law.Memories.Low <= 0 {
			return keep
		}
		return exp(-dt / (tau * exp(r.between(ln(w.law.Memories.Low), ln(w.law.Memories.High)))))
	}
	w.loadKeep, w.workKeep = make([]float64, len(w.apis)), make([]float64, len(w.services))
	for a := range w.loadKeep {
		w.loadKeep[a] = draw(w.law.LoadTau, w.decay.load)
	}
	for i := range w.workKeep {
		w.workKeep[i] = draw(w.law.WorkTau, exp(-dt/w.law.WorkTau))
	}
}

// Pressure moves between the first two.
const (
	leastPressure = -0.5
	mostPressure  = 0.7
	heldTau       = 3600.0 // seconds in which a service settles down to what it holds
)

// stepPressure lets a service's own work follow, slowly, the calls that it holds, in the
// number that it has settled down to: what waits for a slow callee fills the heap and the scheduler. (Huang et al., "Metastable Failures in the
// Wild", OSDI 2022, describe collectors that sustain an overload so.)
func (w *world) stepPressure(me *ServiceState, i int) {
	if w.law.Pressure == 0 || w.services[i].kind != kindApp || w.loads[i] <= 0 {
		return
	}
	held := me.Arriving * me.Response
	if me.Held == 0 {
		me.Held = held
	}
	me.Held = lerp(me.Held, held, w.decay.held)
	target := leastPressure
	if held > 0 {
		target = min(max(w.law.Pressure*ln(held/me.Held), leastPressure), mostPressure)
	}
	me.Pressure = lerp(me.Pressure, target, w.decay.pressure)
}
