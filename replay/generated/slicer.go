package generated

import "math"

// Slicer runs a simulation slice by slice and keeps what truly happened in a slice:
// how many calls every tree node had, how long they took and how widely that varies. From
// it Observe draws what telemetry would show. It is used by one goroutine.
type Slicer struct {
	m      *Simulation
	plan   *slicePlan // shared by forks, not changed
	places []placeSum // of the slice
	own    []ownSum   // by service
	fails  [][][]float64
	ticks  int
	traces []float64 // begun, by API
	asked  float64   // calls that callers wanted, without retries
	tried  float64   // attempts
}

// placeSum adds up a tree node's calls over a slice.
type placeSum struct {
	tried, served float64 // attempts, and those that were taken in
	time, square  float64 // seconds and squared seconds of the served
	client        float64 // seconds at the caller, of all attempts
	looked        float64 // served in ticks whose failures were looked at
	failed        float64 // of those
	lookedTried   float64
	failedTried   float64
}

// ownSum adds up a service's variance between calls of the same tick.
type ownSum struct{ calls, variance, busy float64 }

// slicePlan is what does not change of a slicer.
type slicePlan struct {
	groups  []group
	byPlace []int32     // the edge that a place's calls come over; -1: an entry
	certain []float64   // by place: calls over its edge in a trace of its API, at most 1
	into    [][]int32   // groups by service
	out     [][]outCall // calls that a service waits for
	weight2 []float64   // mean square of the weights of a service's calls
}

// group is what of a service's calls comes over one edge, or from outside.
type group struct {
	service int32
	edge    int32 // index of Links; -1: from outside
	parts   []part
	queue   bool
}

// part is a share of a tree node's calls.
type part struct {
	place int32
	share float64
}

// outCall says that a service waits for calls over an edge.
type outCall struct{ group int32 }

// looks is how many ticks pass from one look at failures to the next.
const looks = 4

// NewSlicer makes a slicer that moves m.
func NewSlicer(m *Simulation) *Slicer { return newSlicer(m, newSlicePlan(m.w)) }

func newSlicer(m *Simulation, plan *slicePlan) *Slicer {
	s := &Slicer{
		m: m, plan: plan, places: make([]placeSum, len(m.w.places)), own: make([]ownSum, len(m.w.services)),
		fails: make([][][]float64, len(m.w.apis)), traces: make([]float64, len(m.w.apis)),
	}
	for a := range m.w.apis {
		for _, v := range m.w.apis[a].variants {
			s.fails[a] = append(s.fails[a], make([]float64, len(v.nodes)))
		}
	}
	return s
}

// Fork returns a slicer over a fork of the simulation (see Simulation.Fork).
func (s *Slicer) Fork(rand *Rand) *Slicer { return newSlicer(s.m.Fork(rand), s.plan) }

// newSlicePlan groups the tree nodes by edge.
func newSlicePlan(w *world) *slicePlan {
	n := len(w.services)
	links := w.links()
	p := &slicePlan{
		byPlace: make([]int32, len(w.places)), certain: make([]float64, len(w.places)),
		into: make([][]int32, n), out: make([][]outCall, n), weight2: make([]float64, n),
	}
	for e := range links {
		p.groups = append(p.groups, group{service: int32(links[e].callee), edge: int32(e), queue: links[e].kind == callQueue})
	}
	for s := range n {
		p.groups = append(p.groups, group{service: int32(s), edge: -1})
	}
	for k, at := range w.places {
		node := w.node(at)
		p.byPlace[k] = int32(node.edge)
		calls := w.mean[at.api][at.variant][at.node]
		p.weight2[node.service] += float64(calls*node.weight*node.weight) / max(w.loads[node.service], 1e-12)
		g := len(links) + node.service
		if node.edge >= 0 {
			g = node.edge
		}
		p.groups[g].parts = append(p.groups[g].parts, part{int32(k), 1})
	}
	p.setCertain(w)
	p.addPhantoms(w, len(links))
	for g := range p.groups {
		gr := &p.groups[g]
		p.into[gr.service] = append(p.into[gr.service], int32(g))
		if gr.edge >= 0 && !gr.queue && len(w.phantom) == 0 {
			caller := links[gr.edge].caller
			p.out[caller] = append(p.out[caller], outCall{int32(g)})
		}
	}
	return p
}

// setCertain works out, for every edge and API, how many calls a trace makes: what is
// certain does not vary once the traces are counted.
func (p *slicePlan) setCertain(w *world) {
	for g := range p.groups {
		calls := map[int32]float64{} // by API
		for _, q := range p.groups[g].parts {
			at := w.places[q.place]
			calls[at.api] += w.mean[at.api][at.variant][at.node]
		}
		for _, q := range p.groups[g].parts {
			at := w.places[q.place]
			p.certain[q.place] = min(1, calls[at.api]/max(w.rate*w.apis[at.api].share, 1e-12))
		}
	}
}

// addPhantoms says of the calls of independent services that they came over edges,
// in even parts.
func (p *slicePlan) addPhantoms(w *world, links int) {
	if len(w.phantom) == 0 {
		return
	}
	fan := make([]float64, len(w.services))
	for _, e := range w.phantom {
		fan[e.callee]++
	}
	for g := range links {
		s := int(p.groups[g].service)
		for _, whole := range p.groups[links+s].parts {
			p.groups[g].parts = append(p.groups[g].parts, part{whole.place, 1 / (fan[s] + 1)})
		}
	}
	for s := range w.services {
		for k := range p.groups[links+s].parts {
			p.groups[links+s].parts[k].share = 1 / (fan[s] + 1)
		}
	}
}

// links are the edges that a run's telemetry shows.
func (w *world) links() []edge {
	if len(w.phantom) > 0 {
		return w.phantom
	}
	return w.edges
}

// Run moves the simulation by a slice of so many ticks, and returns the incidents
// that ended in it.
func (s *Slicer) Run(ticks int) []Incident {
	clear(s.places)
	clear(s.own)
	clear(s.traces)
	s.ticks, s.asked, s.tried = ticks, 0, 0
	s.resetMeters()
	var ended []Incident
	for range ticks {
		t := s.m.Step()
		for k := range t.Ended {
			ended = append(ended, s.m.w.incident(&t.Ended[k]))
		}
		look := t.Index%looks == looks-1
		if look {
			s.look(t)
		}
		for i := range s.m.w.services {
			s.addService(t, i, look)
		}
		for a, n := range t.Traces {
			s.traces[a] += float64(n)
		}
	}
	return ended
}

// Unfinished returns the incidents under way.
func (s *Slicer) Unfinished() []Incident {
	var list []Incident
	for k := range s.m.s.Faults {
		list = append(list, s.m.w.incident(&s.m.s.Faults[k]))
	}
	return list
}

// Amplification is the slice's attempts in calls wanted.
func (s *Slicer) Amplification() float64 { return s.tried / max(s.asked, 1e-9) }

// addService adds a tick of a service.
func (s *Slicer) addService(t *Tick, i int, look bool) {
	w, c := s.m.w, &t.Services[i]
	from, to := w.first[i], w.first[i+1]
	if from == to {
		return
	}
	fixed := c.Wait + min(maxWait, (c.From+c.To)/2/c.Rate)
	pause, pauseVar := w.pauses(s.m.s, c, i)
	taken := 1 - c.Refused
	total := 0.0
	for k := from; k < to; k++ {
		at := w.places[k]
		v := t.visits[at.api][at.variant][at.node]
		if v == 0 {
			continue
		}
		sum := &s.places[k]
		served, full := v*taken, fixed+t.held[at.api][at.variant][at.node]
		time := full + pause
		total += served
		sum.tried += v
		sum.served += served
		sum.time += float64(served * time)
		sum.square += float64(served * float64(time*time))
		e := s.plan.byPlace[k]
		if e >= 0 {
			sum.client += float64(v * w.atCaller(t, e, full, taken))
			attempts := w.attempts(s.m.s, int(e))
			s.tried += v
			s.asked += v / attempts
		}
		if look {
			s.addFailures(sum, at, e, v, served)
		}
	}
	own := &s.own[i]
	own.calls += total
	own.busy += c.Busy
	own.variance += float64(total * (s.ownVariance(i, c) + pauseVar))
}

// addFailures adds up how the calls of a node that was looked at fared.
func (s *Slicer) addFailures(sum *placeSum, at place, e int32, v, served float64) {
	fails := s.fails[at.api][at.variant][at.node]
	sum.looked += served
	sum.failed += float64(served * fails)
	if e >= 0 && s.m.w.edges[e].kind != callQueue {
		sum.lookedTried += v
		sum.failedTried += float64(v * (1 - float64((1-s.m.s.Edges[e].Failing)*(1-fails))))
	}
}

// atCaller returns the mean seconds that an attempt over an edge takes its caller.
func (w *world) atCaller(t *Tick, e int32, full, taken float64) float64 {
	if w.edges[e].kind == callQueue {
		return queueSend
	}
	return float64(taken*min(full, w.edges[e].timeout)) + t.Edges[e].Network
}

// ownVariance is the variance of calls of the same node in the same tick: of own work,
// waiting, and the queue's length in the course of the tick.
func (s *Slicer) ownVariance(i int, c *Condition) float64 {
	work := c.Work * c.Slowness
	wait := float64(2*c.Wait*c.Wait)/c.WaitShare - float64(c.Wait*c.Wait)
	backlog := (c.To - c.From) / c.Rate
	return float64(work*work*s.plan.weight2[i]*s.m.w.services[i].cv2) + max(0, wait) + float64(backlog*backlog)/12
}

// pauses returns the mean and the variance of the seconds that a service's calls of a
// tick wait for collections. Callers' times know nothing of these.
func (w *world) pauses(s *State, c *Condition, i int) (mean, variance float64) {
	if len(c.Pauses) == 0 {
		return 0, 0
	}
	all := w.opt.Tick.Seconds() * float64(len(s.Services[i].Replicas))
	square := 0.0
	for _, p := range c.Pauses {
		mean += float64(p.Long*p.Long) / 2 / all
		square += float64(p.Long*p.Long*p.Long) / 3 / all
	}
	return mean, max(0, square-float64(mean*mean))
}

// look works out, from the stores up, the share of every node's calls that fail.
func (s *Slicer) look(t *Tick) {
	w := s.m.w
	for i := len(w.services) - 1; i >= 0; i-- {
		for k := w.first[i]; k < w.first[i+1]; k++ {
			at := w.places[k]
			nodes := w.apis[at.api].variants[at.variant].nodes
			fine := 1 - t.Services[i].Errors
			for _, child := range nodes[at.node].children {
				fine *= 1 - float64(failsWithCallee*s.childFails(t, &nodes[child], i, s.fails[at.api][at.variant][child]))
			}
			s.fails[at.api][at.variant][at.node] = 1 - fine
		}
	}
}

// childFails returns the probability that the calls a node makes to a child, all
// attempts together, fail.
func (s *Slicer) childFails(t *Tick, n *callNode, owner int, serverFails float64) float64 {
	st := s.m.s
	if n.kind == callQueue || n.optional >= 0 && st.Off[n.optional] {
		return 0
	}
	once := 1 - float64((1-st.Edges[n.edge].Failing)*(1-serverFails))
	open, allowed := t.Edges[n.edge].Open, t.Edges[n.edge].Allowed
	all := once
	for range s.m.w.edges[n.edge].retries {
		all *= 1 - allowed + float64(allowed*once)
	}
	all = open + float64((1-open)*all)
	made := n.share
	if n.onMiss {
		made *= t.Services[owner].Missing
	}
	return made * (1 - pow(1-min(all, 1-1e-12), float64(n.repeats)))
}

// resetMeters begins the replicas' CPU meters anew.
func (s *Slicer) resetMeters() {
	for i := range s.m.s.Services {
		list := s.m.s.Services[i].Replicas
		for k := range list {
			list[k].CPU, list[k].Since = 0, 0
		}
	}
}

// usage returns a service's mean cores and bytes a replica, and how many serve.
func (s *Slicer) usage(i int) (cpu, memory, replicas float64) {
	w, st, t := s.m.w, s.m.s, s.m.t
	list := st.Services[i].Replicas
	measured := 0.0
	for k := range list {
		if list[k].Ready > st.Tick {
			continue
		}
		replicas++
		memory += w.workingSet(i, &list[k], &t.Services[i])
		if list[k].Since > 0 {
			cpu += list[k].CPU / list[k].Since
			measured++
		}
	}
	if replicas == 0 {
		return math.NaN(), math.NaN(), 0
	}
	return cpu / max(measured, 1), memory / replicas, replicas
}
