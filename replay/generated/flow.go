package generated

// flowDown follows the calls from the entries to the stores: how many calls of
// every tree node a tick has, retries and refusals included. Callers come before their
// callees, and pass on what they finish: never more than came and waited.
func (w *world) flowDown(s *State, t *Tick) {
	dt := w.opt.Tick.Seconds()
	for i := range w.services {
		places := w.places[w.first[i]:w.first[i+1]]
		arrivals := 0.0
		for _, p := range places {
			n := w.node(p)
			visits := &t.visits[p.api][p.variant][p.node]
			if n.parent < 0 {
				*visits = float64(t.Traces[p.api]) * t.Mix[p.api][p.variant]
			} else {
				owner := w.apis[p.api].variants[p.variant].nodes[n.parent].service
				*visits = t.passed[p.api][p.variant][n.parent] * w.calls(s, t, n, owner)
			}
			arrivals += *visits
		}
		t.Services[i].Arrivals = arrivals
		w.passOn(&s.Services[i], t, i, places, arrivals, dt)
	}
}

// passOn works out how many calls of each of a service's nodes are finished in a
// tick: of what came, and of the backlog in the nodes' mean shares.
func (w *world) passOn(me *ServiceState, t *Tick, i int, places []place, arrivals, dt float64) {
	finished := min(me.Backlog+arrivals, me.Rate*dt)
	fresh, old := 1.0, 0.0
	if arrivals > 0 {
		fresh = min(1, finished/arrivals)
	}
	if finished > arrivals && w.loads[i] > 0 {
		old = (finished - arrivals) / w.loads[i]
	}
	for _, p := range places {
		visits := t.visits[p.api][p.variant][p.node]
		t.passed[p.api][p.variant][p.node] = dot2(visits, fresh, w.mean[p.api][p.variant][p.node], old)
	}
}

// calls returns the mean number of attempts that one call of the owner makes at
// node n.
func (w *world) calls(s *State, t *Tick, n *callNode, owner int) float64 {
	if n.optional >= 0 && s.Off[n.optional] {
		return 0
	}
	x := n.share * float64(n.repeats) * w.attempts(s, n.edge) * (1 - t.Edges[n.edge].Open)
	if n.onMiss {
		x *= t.Services[owner].Missing
	}
	return x
}

// attempts returns the mean number of attempts a call over an edge takes.
func (w *world) attempts(s *State, e int) float64 {
	edge, st := &w.edges[e], &s.Edges[e]
	sum, p := 1.0, st.Allowed
	for range edge.retries {
		p = float64(p * st.Failing)
		sum += p
	}
	return sum
}

// flowUp follows the replies from the stores to the entries: how long a call holds
// its thread, and how long it waits, service by service.
func (w *world) flowUp(s *State, t *Tick) {
	dt := w.opt.Tick.Seconds()
	for h := range s.Hosts {
		t.hosts[h] = s.Hosts[h].slowness()
	}
	for i := len(w.services) - 1; i >= 0; i-- {
		c, me := &t.Services[i], &s.Services[i]
		speed, ready, slowness := w.capacity(s, t, i)
		c.Slowness = slowness
		c.Work = w.services[i].work * exp(me.Work) * t.slow[i]
		if me.Pressure != 0 {
			c.Work *= exp(me.Pressure)
		}
		c.Errors = min(0.95, w.services[i].errors+t.fail[i])
		sum, weight := 0.0, 0.0
		for _, p := range w.places[w.first[i]:w.first[i+1]] {
			nodes := w.apis[p.api].variants[p.variant].nodes
			held := float64(c.Work*slowness*nodes[p.node].weight) + w.waitFor(s, t, p, nodes)
			t.held[p.api][p.variant][p.node] = held
			v := t.visits[p.api][p.variant][p.node] + 1e-9
			sum += float64(held * v)
			weight += v
		}
		c.Hold = c.Work * slowness
		if weight > 0 {
			c.Hold = sum / weight
		}
		w.serve(i, me, c, speed, ready, dt)
	}
}

// waitFor returns the mean seconds that a call of a node waits for its callees:
// stages one after the other, in a stage the longest.
func (w *world) waitFor(s *State, t *Tick, p place, nodes []callNode) float64 {
	n := &nodes[p.node]
	sum := 0.0
	for stage := range n.stages {
		most := 0.0
		for _, child := range n.children {
			if c := &nodes[child]; c.stage == stage {
				most = longer(most, w.clientTime(s, t, c, n.service, t.held[p.api][p.variant][child]))
			}
		}
		sum += most
	}
	return sum
}

// clientTime returns the mean seconds that a caller spends on node n, and
// remembers how its attempts fared.
func (w *world) clientTime(s *State, t *Tick, n *callNode, owner int, held float64) float64 {
	e := &w.edges[n.edge]
	calls := w.calls(s, t, n, owner)
	if n.kind == callQueue {
		return calls * queueSend
	}
	callee := &t.Services[n.service]
	full := callee.Response - callee.Hold + held
	once := float64((1-callee.Refused)*min(full, e.timeout)) + t.Edges[n.edge].Network
	return calls * once
}

// queueSend is the mean time to hand a message to a broker, seconds.
const queueSend = 0.0012

// capacity returns the replicas of a service that serve, their speed in slots of a
// fresh replica on an idle host, and the mean factor by which they are slower.
func (w *world) capacity(s *State, t *Tick, i int) (speed, ready, slowness float64) {
	list := s.Services[i].Replicas
	slots := float64(w.services[i].slots)
	for k := range list {
		if !w.serves(s, t, i, k) {
			continue
		}
		slow := list[k].slowness(t.hosts[list[k].Host])
		slow /= s.Services[i].Grown
		ready++
		slowness += slow
		speed += slots / slow
	}
	if ready == 0 {
		return 0, 0, 1
	}
	return speed, ready, slowness / ready
}

// serves reports whether replica k of service i takes calls in this tick: it has
// started, and no incident holds it down.
func (w *world) serves(s *State, t *Tick, i, k int) bool {
	list := s.Services[i].Replicas
	return list[k].Ready <= t.Index && float64(k) >= t.down[i]*float64(len(list))
}

// slowness returns the factor by which a replica is slower than a fresh one on an
// idle host: others' work on the host, its version, warm-up, a heap that fills.
func (w *world) slowness(s *State, r *Replica) float64 {
	return r.slowness(s.Hosts[r.Host].slowness())
}

// slowness is the same when its host's factor is known.
func (r *Replica) slowness(host float64) float64 {
	return float64(host * r.Version * (1 + float64(warmUp*r.Cold)))
}

// warmUp is how much slower than warm a replica starts.
const warmUp = 1.2
