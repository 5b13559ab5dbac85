package generated

import "math"

// Breakers: they open when most of the last ten seconds' attempts failed.
const (
	breakerAt    = 0.5
	breakerStays = 10.0 // seconds open
	breakerTries = 5.0  // seconds half open
	breakerHalf  = 0.8  // share of calls stopped meanwhile
)

// stepEdges works out how the attempts over every edge fared, and moves retry
// budgets and breakers.
func (w *world) stepEdges(s *State, t *Tick) {
	dt := w.opt.Tick.Seconds()
	for e := range w.edges {
		edge, st := &w.edges[e], &s.Edges[e]
		if edge.kind == callQueue {
			continue
		}
		c := &t.Services[edge.callee]
		waiting := min(maxWait, (c.From+c.To)/2/c.Rate)
		late := timeoutShare(edge.timeout-t.Edges[e].Network, waiting, c.Response-waiting)
		st.Failing = 1 - float64((1-late)*(1-c.Refused)*(1-c.Errors))
		st.Recent = lerp(st.Recent, st.Failing, w.decay.recent)
		st.Muted = max(0, st.Muted-dt)
		w.stepBudget(edge, st, s.Services[edge.caller].Arriving*dt)
		st.step(edge, dt)
	}
}

// stepBudget refills a retry budget and says what share of retries it allows.
func (w *world) stepBudget(edge *edge, st *EdgeState, calls float64) {
	st.Allowed = 1
	if st.Muted > 0 {
		st.Allowed = 0
		return
	}
	if edge.retries == 0 || edge.budget > 1 {
		return
	}
	wanted, p := 0.0, 1.0
	for range edge.retries {
		p *= st.Failing
		wanted += float64(calls * p)
	}
	st.Tokens = min(st.Tokens+float64(calls*edge.budget), 10+float64(10*calls*edge.budget))
	if wanted > 0 {
		st.Allowed = min(1, st.Tokens/wanted)
	}
	st.Tokens = max(0, st.Tokens-wanted)
}

// step moves a breaker.
func (st *EdgeState) step(edge *edge, dt float64) {
	if !edge.breaker {
		return
	}
	switch {
	case st.Open == 0 && st.Recent > breakerAt:
		st.Open = breakerStays
	case st.Open > 0:
		if st.Open -= dt; st.Open <= 0 {
			st.Open = -breakerTries
		}
	case st.Open < 0:
		if st.Open = math.Min(0, st.Open+dt); st.Failing > breakerAt {
			st.Open = breakerStays
		}
		if st.Open == 0 {
			st.Recent = st.Failing
		}
	}
}

// setEdges writes what single calls of this tick need to know of every edge.
func (w *world) setEdges(s *State, t *Tick) {
	for e := range w.edges {
		edge, st, out := &w.edges[e], &s.Edges[e], &t.Edges[e]
		*out = EdgeTick{Allowed: st.Allowed, Network: edge.network + t.delay[edge.callee]}
		switch {
		case st.Open > 0:
			out.Open = 1
		case st.Open < 0:
			out.Open = breakerHalf
		}
	}
}
