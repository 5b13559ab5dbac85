package generated

// Rollout is a deployment under way: replicas are replaced one by one.
type Rollout struct {
	Service int32
	Left    int32   // replicas still to be replaced
	Next    int64   // tick of the next replacement
	Factor  float64 // of the new version's own work
}

// stepRollouts begins deployments and moves those under way. A new version works
// faster or slower by ten to thirty percent, and some calls of it appear or vanish.
func (w *world) stepRollouts(s *State, r *Rand) {
	dt := w.opt.Tick.Seconds()
	if r.chance(w.opt.Deployments / 3600 * dt) {
		w.beginRollout(s, r)
	}
	kept := s.Rollouts[:0]
	for _, ro := range s.Rollouts {
		if ro.Next <= s.Tick {
			me := &s.Services[ro.Service]
			ro.Left = min(ro.Left, int32(len(me.Replicas)))
			if ro.Left > 0 {
				ro.Left--
				me.Replicas[ro.Left] = s.newReplica(w, r, ro.Service, s.Tick, me.Version)
				ro.Next = s.Tick + int64(r.between(8, 20)/dt)
			}
		}
		if ro.Left > 0 {
			kept = append(kept, ro)
		}
	}
	s.Rollouts = kept
}

// beginRollout draws a service and its new version.
func (w *world) beginRollout(s *State, r *Rand) {
	i := r.below(w.opt.Services)
	for _, ro := range s.Rollouts {
		if int(ro.Service) == i {
			return
		}
	}
	me := &s.Services[i]
	change := r.between(0.1, 0.3)
	if r.chance(0.5) {
		change = -change
	}
	// Regressions get repaired: versions drift back towards the first one's work.
	me.Version = lerp(me.Version, 1, 0.5) * (1 + change)
	for k, owner := range w.owner {
		if owner == i && r.chance(0.5) {
			s.Off[k] = !s.Off[k] && (!w.law.KeepCalled || !w.needed[k])
		}
	}
	if w.services[i].cache >= 0 && r.chance(0.3) {
		me.Cold = 1 // new cache keys
	}
	s.Rollouts = append(s.Rollouts, Rollout{Service: int32(i), Left: int32(len(me.Replicas)), Next: s.Tick, Factor: me.Version})
}
