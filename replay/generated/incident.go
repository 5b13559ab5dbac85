package generated

// FaultKind is an incident's cause.
type FaultKind uint8

// The causes. The first two announce themselves.
const (
	FaultLeak       FaultKind = iota // memory leaks until the pods are restarted
	FaultCreep                       // a service's work grows until somebody mends it
	FaultDatabase                    // a database or cache turns slow
	FaultCrash                       // part of the replicas are gone
	FaultErrors                      // calls fail
	FaultNetwork                     // the way to a service is slow
	FaultSurge                       // an API gets far more load
	FaultMetastable                  // a short slowness that retries may keep alive
	faultKinds
)

// faultNames are the causes as the truth file writes them.
var faultNames = [faultKinds]string{"leak", "creeping_saturation", "slow_store", "crash", "errors", "network", "surge", "retry_storm"}

// String returns the cause's name in the truth file.
func (k FaultKind) String() string { return faultNames[k] }

// Precursor reports whether the cause grows before it hurts.
func (k FaultKind) Precursor() bool { return k <= FaultCreep }

// Fault is an incident. Times are ticks.
type Fault struct {
	ID      uint64
	Kind    FaultKind
	Service int32   // where it sits; for a surge the API's entry
	API     int32   // of a surge, else -1
	Size    float64 // strength, by kind
	Begin   int64
	Remove  int64   // the cause is removed
	Before  float64 // slow mean of the service's response time when it began, seconds
	Peak    float64 // highest response time since, seconds
	Onset   int64   // first tick with a response time of 1.5 times Before or with errors; -1: none yet
	End     int64   // the effect is over; -1: not yet
	Calm    int64   // ticks without effect since Remove
}

// stepFaults begins incidents, applies those under way and removes causes.
func (w *world) stepFaults(s *State, r *Rand, t *Tick) {
	dt := w.opt.Tick.Seconds()
	for i := range t.slow {
		t.slow[i], t.fail[i], t.delay[i], t.down[i] = 1, 0, 0, 0
	}
	for a := range t.surge {
		t.surge[a] = 1
	}
	if s.Tick > int64(300/dt) && len(s.Faults) < 4 && r.chance(w.opt.Incidents/3600*dt) {
		w.beginFault(s, r, dt)
	}
	for k := range s.Faults {
		f := &s.Faults[k]
		if s.Tick < f.Remove {
			w.applyFault(s, t, f)
		} else if s.Tick == f.Remove && f.Kind == FaultLeak {
			w.restart(s, r, int(f.Service), dt)
		}
	}
}

// beginFault draws an incident: half have a precursor.
func (w *world) beginFault(s *State, r *Rand, dt float64) {
	kind := FaultKind(r.below(2))
	if r.chance(0.5) {
		kind = FaultDatabase + FaultKind(r.below(int(faultKinds-FaultDatabase)))
	}
	if w.law.Incidents != [faultKinds]float64{} {
		kind = FaultKind(r.pick(w.law.Incidents[:]))
	}
	s.Serial++
	f := Fault{ID: s.Serial, Kind: kind, API: -1, Begin: s.Tick, Onset: -1, End: -1}
	f.Service = int32(w.drawVictim(r, kind))
	minutes := func(a, b float64) int64 { return int64(60 * r.between(a, b) / dt) }
	switch kind {
	case FaultLeak:
		f.Size, f.Remove = r.between(0.6, 1.8), s.Tick+minutes(12, 40)
	case FaultCreep:
		f.Size, f.Remove = r.between(0.6, 1.6), s.Tick+minutes(10, 30)
	case FaultDatabase:
		f.Size, f.Remove = r.between(2, 5), s.Tick+minutes(2, 8)
	case FaultCrash:
		f.Size, f.Remove = r.between(0.4, 0.7), s.Tick+minutes(1, 4)
	case FaultErrors:
		f.Size, f.Remove = r.between(0.15, 0.5), s.Tick+minutes(2, 8)
	case FaultNetwork:
		f.Size, f.Remove = r.between(0.02, 0.12), s.Tick+minutes(2, 8)
	case FaultSurge:
		f.API = int32(r.below(len(w.apis)))
		f.Service = int32(w.apis[f.API].variants[0].nodes[0].service)
		f.Size, f.Remove = r.between(1, 2.5), s.Tick+minutes(2, 7)
	case FaultMetastable:
		f.Size, f.Remove = r.between(3, 6), s.Tick+minutes(0.4, 1)
	}
	for _, other := range s.Faults {
		if other.Service == f.Service {
			return
		}
	}
	f.Before = max(s.Services[f.Service].Level, 1e-4)
	s.Faults = append(s.Faults, f)
}

// drawVictim draws the service that an incident sits in, by load, but no entry. A
// retry storm needs callers that retry.
func (w *world) drawVictim(r *Rand, kind FaultKind) int {
	weights := make([]float64, len(w.services))
	for i := range w.services {
		isStore := w.services[i].kind != kindApp
		if isStore != (kind == FaultDatabase) || w.services[i].tier == 0 {
			continue
		}
		weights[i] = w.loads[i]
		if kind == FaultMetastable {
			storms := 0.0
			for _, e := range w.incoming[i] {
				if w.edges[e].retries > 0 && w.edges[e].budget > 1 {
					storms += float64(w.edges[e].retries)
				}
			}
			weights[i] *= 0.01 + storms
		}
	}
	return max(0, r.pick(weights))
}

// applyFault writes an incident's effect into the tick.
func (w *world) applyFault(s *State, t *Tick, f *Fault) {
	i := f.Service
	progress := float64(s.Tick-f.Begin) / float64(max(1, f.Remove-f.Begin))
	switch f.Kind {
	case FaultLeak:
		svc := &w.services[i]
		for k := range s.Services[i].Replicas {
			rep := &s.Services[i].Replicas[k]
			rep.Leak += f.Size * svc.memory / float64(max(1, f.Remove-f.Begin))
		}
		t.slow[i] *= 1 + float64(f.Size*progress*progress)
	case FaultCreep:
		t.slow[i] *= 1 + float64(f.Size*progress)
	case FaultDatabase, FaultMetastable:
		t.slow[i] *= 1 + f.Size
	case FaultCrash:
		t.down[i] = max(t.down[i], f.Size)
	case FaultErrors:
		t.fail[i] += f.Size
	case FaultNetwork:
		t.delay[i] += f.Size
	case FaultSurge:
		t.surge[f.API] *= 1 + f.Size
	}
}

// restart replaces every replica of a service; half of them at once, the others when those
// are ready.
func (w *world) restart(s *State, r *Rand, i int, dt float64) {
	me := &s.Services[i]
	for k := range me.Replicas {
		ready := s.Tick
		if k%2 == 0 {
			ready += int64(12 / dt)
		}
		me.Replicas[k] = s.newReplica(w, r, int32(i), ready, me.Replicas[k].Version)
	}
}

// relieve is the operator who ends a storm that does not end by itself: the queue is
// dropped, callers stop retrying for a while, and the service gets a bigger machine.
func (w *world) relieve(s *State, i int) {
	me := &s.Services[i]
	me.Backlog, me.Trouble = 0, 0
	me.Grown = min(me.Grown*1.25, 4)
	for _, e := range w.incoming[i] {
		s.Edges[e].Muted = 60
	}
}

// watchFaults measures when incidents are felt and when they are over, and moves
// the slow means they are measured against.
func (w *world) watchFaults(s *State, t *Tick) {
	dt := w.opt.Tick.Seconds()
	t.Ended = t.Ended[:0]
	kept := s.Faults[:0]
	for _, f := range s.Faults {
		now := t.Services[f.Service].Response + t.delay[f.Service]
		felt := now > 1.5*f.Before || t.fail[f.Service] > 0 || t.down[f.Service] > 0
		if f.Kind == FaultSurge && s.Tick < f.Remove {
			felt = true
		}
		f.Peak = max(f.Peak, now)
		if felt && f.Onset < 0 {
			f.Onset = s.Tick
		}
		if s.Tick >= f.Remove {
			if f.Calm++; felt {
				f.Calm = 0
			}
		}
		if f.Calm > int64(15/dt) || s.Tick > f.Remove+int64(1800/dt) {
			f.End = s.Tick - f.Calm + 1
			t.Ended = append(t.Ended, f)
			continue
		}
		kept = append(kept, f)
	}
	s.Faults = kept
	for i := range s.Services {
		me := &s.Services[i]
		if me.Level == 0 {
			me.Level = me.Response
		}
		me.Level = lerp(me.Level, me.Response, w.decay.slow)
	}
}
