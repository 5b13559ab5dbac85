package generated

import (
	"math"
	"strconv"
)

// callKind is how a call travels.
type callKind uint8

const (
	callHTTP callKind = iota
	callRPC
	callDatabase
	callCache
	callQueue // the caller does not wait
)

// callNode is one call of an API's tree; node 0 is the entry. Children come after
// their parents.
type callNode struct {
	service  int
	parent   int
	edge     int // -1: the entry
	kind     callKind
	stage    int     // children of a stage run side by side, stages one after the other
	stages   int     // how many stages this node's children form
	share    float64 // probability that the parent makes the call
	repeats  int     // how often it does so, one after the other
	onMiss   bool    // only when the parent's cache read before it missed
	weight   float64 // own work, in the service's mean
	optional int     // index of the switch that turns it off, -1: none
	children []int
	route    string
}

// variant is one shape that an API's calls take.
type variant struct {
	nodes  []callNode
	weight float64
}

// api is an entry of the system and its share of the load.
type api struct {
	name     string
	share    float64 // of all traces
	variants []variant
	cron     int     // seconds between two runs of a job; 0: users call
	phase    int64   // nanoseconds that its day is ahead
	spans    float64 // mean number of spans a trace
}

// drawAPIs draws call trees from the services' menus until every service is in one.
func (w *world) drawAPIs(r *Rand) {
	n := w.opt.Services
	count := min(max(n/4, 3), 2000)
	gateways := 1 + n/60
	edges := map[[3]int]int{}
	covered := make([]bool, len(w.services))
	sum := 0.0
	trees := make([][]callNode, count)
	for a := range count {
		b := treeBuilder{w: w, r: r, edges: edges, limit: int(min(float64(w.law.TreeMost), 4+float64(w.law.TreeMean*r.logNormal(w.law.TreeSigma))))}
		b.add(callNode{service: a % gateways, parent: -1, edge: -1, share: 1, repeats: 1, weight: 1, optional: -1})
		b.grow(0)
		trees[a] = b.nodes
		for _, node := range b.nodes {
			covered[node.service] = true
		}
		cron := 0
		if every := w.law.CronEvery; a > 2 && every > 0 && a%every == every-1 {
			cron = 60 * (5 + 5*r.below(3))
		}
		w.apis = append(w.apis, api{name: "/api/v1/" + serviceNames[a%len(serviceNames)] + "-" + strconv.Itoa(a), share: pow(float64(a+1), -0.7), cron: cron})
		sum += w.apis[a].share
	}
	w.cover(r, trees, edges, covered)
	calls := make([]int, len(w.services)) // that are always made, in all trees
	for _, tree := range trees {
		for _, node := range tree {
			calls[node.service]++
		}
	}
	for a := range w.apis {
		w.apis[a].share /= sum
		w.drawVariants(r, a, trees[a], calls)
	}
}

// treeBuilder grows one call tree.
type treeBuilder struct {
	w     *world
	r     *Rand
	edges map[[3]int]int
	nodes []callNode
	limit int
}

// add appends a node and returns its index.
func (b *treeBuilder) add(n callNode) int {
	if n.parent >= 0 {
		parent := &b.nodes[n.parent]
		key := [3]int{b.nodes[n.parent].service, n.service, int(n.kind)}
		e, ok := b.edges[key]
		if !ok {
			e = len(b.w.edges)
			b.edges[key] = e
			b.w.edges = append(b.w.edges, edge{caller: key[0], callee: key[1], kind: n.kind})
		}
		n.edge = e
		n.stage = parent.stages
		beside := parent.stages > 0 && !n.onMiss && n.kind != callCache && b.r.chance(0.35)
		if beside {
			n.stage--
		} else {
			parent.stages++
		}
		parent.children = append(parent.children, len(b.nodes))
	}
	callee := &b.w.services[n.service]
	n.route = callee.name + "/" + routeNames[(len(b.nodes)+n.service)%len(routeNames)]
	b.nodes = append(b.nodes, n)
	return len(b.nodes) - 1
}

// routeNames are the operations that routes are called by.
var routeNames = [...]string{"get", "list", "update", "check", "resolve", "quote", "apply", "find"}

// grow adds the calls of node i: its stores first, then services of its menu.
func (b *treeBuilder) grow(i int) {
	s := &b.w.services[b.nodes[i].service]
	b.stores(i)
	if len(s.callees) == 0 || len(b.nodes) >= b.limit {
		return
	}
	menu := append([]int(nil), s.callees...)
	wanted := 1 + b.r.below(min(len(menu), 4))
	for k := 0; k < wanted && len(b.nodes) < b.limit; k++ {
		j := k + b.r.below(len(menu)-k)
		menu[k], menu[j] = menu[j], menu[k]
		b.grow(b.call(i, menu[k]))
	}
}

// call adds a call from node i to a service.
func (b *treeBuilder) call(i, callee int) int {
	kind := callRPC
	switch {
	case b.w.services[b.nodes[i].service].tier == 0 || (b.nodes[i].service+callee)%3 == 0:
		kind = callHTTP
	case (b.nodes[i].service*7+callee)%11 == 0:
		kind = callQueue
	}
	share, repeats := 1.0, 1
	if b.r.chance(0.3) {
		share = b.r.between(0.3, 0.9)
	}
	if kind == callRPC && b.r.chance(0.1) {
		repeats = 2
	}
	return b.add(callNode{service: callee, parent: i, kind: kind, share: share, repeats: repeats, weight: exp(0.4 * b.r.normal()), optional: -1})
}

// stores adds a node's reads of its cache and database.
func (b *treeBuilder) stores(i int) {
	s := &b.w.services[b.nodes[i].service]
	if s.database < 0 || b.r.chance(0.15) {
		return
	}
	repeats := 1
	if b.r.chance(0.25) {
		repeats = 2 + b.r.below(2)
	}
	if s.cache >= 0 {
		b.add(callNode{service: s.cache, parent: i, kind: callCache, share: 1, repeats: 1, weight: 1, optional: -1})
	}
	b.add(callNode{service: s.database, parent: i, kind: callDatabase, share: 1, repeats: repeats, onMiss: s.cache >= 0, weight: exp(0.4 * b.r.normal()), optional: -1})
}

// cover hangs every service that no tree holds below one of its callers. Callers
// have lower numbers, so they are in a tree when it is their callee's turn.
func (w *world) cover(r *Rand, trees [][]callNode, edges map[[3]int]int, covered []bool) {
	callers := make([][]int, len(w.services))
	spots := make([][][2]int, len(w.services)) // tree and node of each service
	for s := range w.opt.Services {
		for _, c := range w.services[s].callees {
			callers[c] = append(callers[c], s)
		}
	}
	for a, nodes := range trees {
		for i, node := range nodes {
			spots[node.service] = append(spots[node.service], [2]int{a, i})
		}
	}
	for s := range w.opt.Services {
		if covered[s] {
			continue
		}
		spot := [2]int{r.below(len(trees)), 0}
		if len(callers[s]) > 0 {
			mine := spots[callers[s][r.below(len(callers[s]))]]
			spot = mine[r.below(len(mine))]
		}
		b := treeBuilder{w: w, r: r, edges: edges, nodes: trees[spot[0]]}
		i := b.call(spot[1], s)
		b.stores(i)
		spots[s] = append(spots[s], [2]int{spot[0], i})
		trees[spot[0]] = b.nodes
		covered[s] = true
	}
}

// drawVariants makes one to three variants of a tree: the whole, and others that
// lack some of its subtrees. Some calls of the whole get a switch that deployments
// flip; those without which a service would not be called at all are on at first.
func (w *world) drawVariants(r *Rand, a int, tree []callNode, calls []int) {
	for i := range tree {
		if i > 0 && tree[i].kind != callCache && !tree[i].onMiss && r.chance(0.15) {
			w.needed = append(w.needed, !spare(tree, i, calls))
			tree[i].optional = w.switches
			w.switches++
			w.owner = append(w.owner, tree[tree[i].parent].service)
		}
	}
	weights := [...]float64{1, 0.5, 0.3}
	for v := range 1 + r.below(3) {
		nodes := tree
		if v > 0 {
			nodes = prune(r, tree)
		}
		w.apis[a].variants = append(w.apis[a].variants, variant{nodes: nodes, weight: weights[v] * r.between(0.7, 1.3)})
	}
}

// spare takes the calls of node i's subtree out of calls if every service is left
// with one, and reports whether it is so.
func spare(tree []callNode, i int, calls []int) bool {
	below := make([]bool, len(tree))
	below[i] = true
	left := map[int]int{}
	for j := i; j < len(tree); j++ {
		if j > i && !below[tree[j].parent] || tree[j].optional >= 0 {
			continue
		}
		below[j] = true
		left[tree[j].service]++
	}
	for s, n := range left {
		if calls[s] <= n {
			return false
		}
	}
	for s, n := range left {
		calls[s] -= n
	}
	return true
}

// prune copies a tree without some of the subtrees below its root.
func prune(r *Rand, tree []callNode) []callNode {
	to := make([]int, len(tree))
	var out []callNode
	for i, node := range tree {
		to[i] = -1
		if node.parent >= 0 && (to[node.parent] < 0 || (node.kind <= callRPC && r.chance(0.3))) {
			continue
		}
		to[i] = len(out)
		node.children = nil
		if node.parent >= 0 {
			node.parent = to[node.parent]
			out[node.parent].children = append(out[node.parent].children, len(out))
		}
		out = append(out, node)
	}
	return out
}

// index lists the nodes by service and the edges by their ends.
func (w *world) index() {
	w.first = make([]int, len(w.services)+1)
	by := make([][]place, len(w.services))
	for a := range w.apis {
		for v := range w.apis[a].variants {
			for i, node := range w.apis[a].variants[v].nodes {
				by[node.service] = append(by[node.service], place{int32(a), int32(v), int32(i)})
			}
		}
	}
	for s, list := range by {
		w.first[s] = len(w.places)
		w.places = append(w.places, list...)
	}
	w.first[len(by)] = len(w.places)
	w.incoming = make([][]int32, len(w.services))
	w.outgoing = make([][]int32, len(w.services))
	for e := range w.edges {
		w.incoming[w.edges[e].callee] = append(w.incoming[w.edges[e].callee], int32(e))
		w.outgoing[w.edges[e].caller] = append(w.outgoing[w.edges[e].caller], int32(e))
	}
}

// node returns the node at a place.
func (w *world) node(p place) *callNode { return &w.apis[p.api].variants[p.variant].nodes[p.node] }

// spansOf returns how many spans a call of a kind leaves.
func spansOf(n *callNode) float64 {
	switch {
	case n.edge < 0 || n.kind == callDatabase || n.kind == callCache:
		return 1
	default:
		return 2
	}
}

// scale sets the rate of traces so that spans come at the options' rate on average,
// and the mean load of every service that follows from it.
func (w *world) scale() {
	w.mean = make([][][]float64, len(w.apis))
	for a := range w.apis {
		api := &w.apis[a]
		sum := 0.0
		for v := range api.variants {
			sum += api.variants[v].weight
		}
		w.mean[a] = make([][]float64, len(api.variants))
		for v := range api.variants {
			api.variants[v].weight /= sum
			visits := make([]float64, len(api.variants[v].nodes))
			for i, n := range api.variants[v].nodes {
				visits[i] = api.variants[v].weight
				if n.parent >= 0 {
					visits[i] = visits[n.parent] * n.share * float64(n.repeats)
					if n.optional >= 0 {
						visits[i] *= 1 - offAtStart
					}
					if n.onMiss {
						visits[i] *= w.services[api.variants[v].nodes[n.parent].service].missing
					}
				}
				api.spans += float64(visits[i] * spansOf(&n))
			}
			w.mean[a][v] = visits
		}
		w.perTrace += float64(api.share * api.spans)
	}
	w.rate = w.opt.Rate / w.perTrace / w.opt.Sampling
	w.loads = make([]float64, len(w.services))
	w.peaks = make([]float64, len(w.services))
	for s := range w.services {
		mine := w.places[w.first[s]:w.first[s+1]]
		work := 0.0
		for _, p := range mine {
			visits := &w.mean[p.api][p.variant][p.node]
			*visits *= w.rate * w.apis[p.api].share // from now on calls a second
			calls := *visits
			w.loads[s] += float64(calls)
			if w.apis[p.api].cron > 0 {
				w.peaks[s] += float64((cronPeak - 1) * calls)
			}
			work += float64(calls * w.node(p).weight)
		}
		w.peaks[s] += w.loads[s]
		for _, p := range mine { // a service's mean weight is one
			w.node(p).weight *= w.loads[s] / work
		}
	}
	w.hosts = max(2, int(math.Ceil(float64(w.opt.Services)/4)))
	if w.law.Independent {
		w.hosts = len(w.services)
	}
}
