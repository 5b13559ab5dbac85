package generated

// decays are the memories of everything that forgets, for one tick.
type decays struct {
	load, mix, miss, host        float64 // exp(-dt/tau): what is kept
	warm, cold                   float64
	arriving, recent, busy, slow float64 // 1 - exp(-dt/tau): what is taken over
	pressure, held               float64 // likewise
}

// setDecays works out the memories for the tick's length.
func (w *world) setDecays() {
	dt := w.opt.Tick.Seconds()
	keep := func(tau float64) float64 { return exp(-dt / tau) }
	w.decay = decays{
		load: keep(w.law.LoadTau), mix: keep(w.law.MixTau), miss: keep(missTau), host: keep(hostTau),
		warm: keep(warmTau), cold: keep(coldTau),
		arriving: 1 - keep(4), recent: 1 - keep(10), busy: 1 - keep(60), slow: 1 - keep(600),
		pressure: 1 - keep(max(w.law.PressureTau, dt)), held: 1 - keep(heldTau),
	}
}

// step moves the system on by one tick: it changes s, and writes to t what single
// traces of the tick are drawn from. It depends on nothing but s, r and the world.
func (w *world) step(s *State, r *Rand, t *Tick) {
	t.Index = s.Tick
	t.Start = w.opt.Start + s.Tick*int64(w.opt.Tick)
	w.stepFaults(s, r, t)
	w.stepHosts(s, r)
	w.stepRollouts(s, r)
	w.stepServices(s, r, t)
	w.stepLoad(s, r, t)
	w.setEdges(s, t)
	w.flowDown(s, t)
	w.flowUp(s, t)
	w.stepEdges(s, t)
	w.account(s, t)
	w.watchFaults(s, t)
	s.Tick++
}
