package generated

// Hosts: pods share machines, with each other and with work that is none of ours.
const (
	hostCores = 16.0
	hostTau   = 300.0 // seconds
	crowded   = 0.7   // share of a host's cores from which pods slow each other down
)

// stepHosts moves the background work of every host and adds up what pods used.
func (w *world) stepHosts(s *State, r *Rand) {
	dt := w.opt.Tick.Seconds()
	for h := range s.Hosts {
		host := &s.Hosts[h]
		host.Noise = r.ornstein(host.Noise, w.decay.host, w.law.HostDeviation)
		host.Guest = max(0, host.Guest-dt)
		if host.Guest == 0 && r.chance(w.law.GuestsHourly/3600*dt) {
			host.Guest, host.Force = r.between(40, 400), r.between(0.1, 0.45)
		}
	}
}

// slowness returns the factor by which a host slows its pods down.
func (h *HostState) slowness() float64 {
	f := exp(h.Noise)
	if h.Guest > 0 {
		f *= 1 + h.Force
	}
	if over := float64(h.Used/hostCores) - crowded; over > 0 {
		f *= 1 + float64(0.5*over)
	}
	return f
}

// account books the tick's CPU time on replicas and hosts.
func (w *world) account(s *State, t *Tick) {
	dt := w.opt.Tick.Seconds()
	for h := range s.Hosts {
		s.Hosts[h].Used = 0
	}
	for i := range w.services {
		svc, me, c := &w.services[i], &s.Services[i], &t.Services[i]
		if svc.kind != kindApp {
			continue
		}
		ready := 0.0
		for k := range me.Replicas {
			if w.serves(s, t, i, k) {
				ready++
			}
		}
		calls := min(c.Arrivals+c.From, c.Rate*dt) / max(ready, 1)
		for k := range me.Replicas {
			rep := &me.Replicas[k]
			rep.Since += dt
			if !w.serves(s, t, i, k) {
				continue
			}
			// A host's noise stretches the work in time, not in cycles.
			used := float64(svc.speed * min(calls*c.Work*rep.Version*(1+float64(warmUp*rep.Cold)), dt*float64(svc.slots)))
			rep.CPU += used
			s.Hosts[rep.Host].Used += used / dt
		}
	}
}
