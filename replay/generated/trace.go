package generated

// call is one call of a trace, or one attempt at it, as it really happened. Times are
// nanoseconds since the tick began, by a perfect clock.
type call struct {
	node    *callNode
	parent  int32 // index of the call whose server makes this one; -1: from outside
	attempt int32 // 0: the first
	ordinal int32 // number of the call among those of its parent, from 1
	caller  int32 // replica of the calling service
	callee  int32 // replica that served it
	sent    int64 // the caller's half
	got     int64
	begun   int64 // the callee's half
	done    int64
	failed  bool // the caller saw an error
	late    bool // because it stopped waiting
	served  bool // the callee took the call
	broken  bool // the callee's reply was an error
}

// walker draws single traces from a tick's conditions.
type walker struct {
	w     *world
	s     *State // as step left it
	t     *Tick
	r     *Rand
	nodes []callNode
	calls []call
	made  []int32 // calls made so far by each call's server
}

// maxCalls bounds a trace: a storm of nested retries ends there.
const maxCalls = 2000

// maxWait bounds the time that a single call waits in a queue, seconds.
const maxWait = 60.0

// failsWithCallee is the probability that a call fails when a callee does; else it
// answers without it.
const failsWithCallee = 0.6

// trace draws a trace of an API that begins somewhere in the tick. The result is
// valid until the next call; it is empty if the entry refused the call.
func (k *walker) trace(a int) []call {
	k.calls, k.made = k.calls[:0], k.made[:0]
	api := &k.w.apis[a]
	v := 0
	if len(api.variants) > 1 {
		v = max(0, k.r.pick(k.t.Mix[a]))
	}
	k.nodes = api.variants[v].nodes
	at := k.r.unit() * k.w.opt.Tick.Seconds()
	root := &k.nodes[0]
	if k.r.chance(k.t.Services[root.service].Refused) {
		return nil
	}
	k.add(call{node: root, parent: -1, ordinal: 1, served: true})
	k.serve(0, at)
	k.calls[0].sent, k.calls[0].got = k.calls[0].begun, k.calls[0].done
	return k.calls
}

// add records a call and returns its index.
func (k *walker) add(c call) int {
	k.calls = append(k.calls, c)
	k.made = append(k.made, 0)
	return len(k.calls) - 1
}

// serve lets the callee of call i work on it from time at on, and returns when it
// replies and whether it succeeds.
func (k *walker) serve(i int, at float64) (done float64, ok bool) {
	n := k.calls[i].node
	c := &k.t.Services[n.service]
	svc := &k.w.services[n.service]
	rep := k.replica(n.service)
	now := at + k.wait(c, rep, at)
	slow := 1.0
	if list := k.s.Services[n.service].Replicas; rep < len(list) {
		slow = k.w.slowness(k.s, &list[rep]) / k.s.Services[n.service].Grown
	}
	own := c.Work * slow * n.weight * k.r.logNormal(svc.sigma)
	piece := own / float64(n.stages+1)
	ok = !k.r.chance(c.Errors)
	k.calls[i].callee = int32(rep)
	missed := false
	for stage := 0; stage < n.stages && ok; stage++ {
		now += piece
		end := now
		for _, j := range n.children {
			child := &k.nodes[j]
			if child.stage != stage || (child.onMiss && !missed) {
				continue
			}
			if child.kind == callCache {
				missed = k.r.chance(c.Missing)
			}
			back, fine := k.call(i, child, now)
			end = max(end, back)
			if !fine && k.r.chance(failsWithCallee) {
				ok = false
			}
		}
		now = end
	}
	done = now + piece
	rec := &k.calls[i]
	rec.begun, rec.done, rec.broken = nanos(at), nanos(done), !ok
	return done, ok
}

// wait returns how long a call that comes at a time waits before a replica takes
// it up.
func (k *walker) wait(c *Condition, rep int, at float64) float64 {
	wait := 0.0
	if c.From > 0 || c.To > 0 {
		wait = min(maxWait, lerp(c.From, c.To, min(1, at/k.w.opt.Tick.Seconds()))/c.Rate)
	}
	if k.r.chance(c.WaitShare) {
		wait += float64(c.Wait / c.WaitShare * k.r.exponential())
	}
	for _, p := range c.Pauses {
		if now := at + wait; p.Replica == rep && now > p.From && now < p.From+p.Long {
			wait = p.From + p.Long - at
		}
	}
	return wait
}

// replica draws one that serves.
func (k *walker) replica(service int) int {
	n := len(k.s.Services[service].Replicas)
	rep := 0
	for range 20 {
		if rep = k.r.below(n); n == 1 || k.w.serves(k.s, k.t, service, rep) {
			break
		}
	}
	return rep
}

// call lets the server of call i call a node, as often as the node says, and
// returns when the caller goes on and whether all went well.
func (k *walker) call(i int, child *callNode, at float64) (now float64, ok bool) {
	now, ok = at, true
	if child.optional >= 0 && k.s.Off[child.optional] {
		return now, ok
	}
	if child.share < 1 && !k.r.chance(child.share) {
		return now, ok
	}
	for range child.repeats {
		var fine bool
		if child.kind == callQueue {
			now, fine = k.publish(i, child, now)
		} else {
			now, fine = k.retry(i, child, now)
		}
		ok = ok && fine
	}
	return now, ok
}

// retry makes a call until it succeeds or the attempts are used up.
func (k *walker) retry(i int, child *callNode, at float64) (now float64, ok bool) {
	e, tick := &k.w.edges[child.edge], &k.t.Edges[child.edge]
	now = at
	for attempt := 0; attempt <= e.retries; attempt++ {
		if len(k.calls) >= maxCalls || k.r.chance(tick.Open) {
			return now, false
		}
		if attempt > 0 {
			if !k.r.chance(tick.Allowed) {
				return now, false
			}
			now += float64(0.01 * float64(int(1)<<attempt) * k.r.between(0.5, 1))
		}
		if now, ok = k.attempt(i, child, attempt, now, e, tick); ok {
			return now, true
		}
	}
	return now, false
}

// attempt makes one attempt. A caller that stops waiting goes on; the callee does not
// notice.
func (k *walker) attempt(i int, child *callNode, attempt int, at float64, e *edge, tick *EdgeTick) (now float64, ok bool) {
	k.made[i]++
	j := k.add(call{node: child, parent: int32(i), attempt: int32(attempt), ordinal: k.made[i], caller: k.calls[i].callee, sent: nanos(at)})
	there := float64(tick.Network / 2 * k.r.logNormal(0.3))
	back := float64(tick.Network / 2 * k.r.logNormal(0.3))
	if k.r.chance(k.t.Services[child.service].Refused) {
		now = at + there + back
	} else {
		var done float64
		k.calls[j].served = true
		done, ok = k.serve(j, at+there)
		now = done + back
		if now > at+e.timeout {
			now, ok = at+e.timeout, false
			k.calls[j].late = true
		}
	}
	k.calls[j].got, k.calls[j].failed = nanos(now), !ok
	return now, ok
}

// publish hands a message to a broker; its consumer works on it later.
func (k *walker) publish(i int, child *callNode, at float64) (now float64, ok bool) {
	if len(k.calls) >= maxCalls {
		return at, false
	}
	k.made[i]++
	j := k.add(call{node: child, parent: int32(i), ordinal: k.made[i], caller: k.calls[i].callee, sent: nanos(at)})
	now = at + float64(queueSend*k.r.logNormal(0.5))
	k.calls[j].got = nanos(now)
	if !k.r.chance(k.t.Services[child.service].Refused) {
		k.calls[j].served = true
		k.serve(j, now+float64(0.004*k.r.exponential()))
	}
	return now, true
}

// nanos turns seconds into nanoseconds.
func nanos(seconds float64) int64 { return int64(seconds * 1e9) }
