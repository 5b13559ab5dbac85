package generated

import (
	"math"
	"sort"
	"strconv"
)

// nodeKind is what a service is.
type nodeKind uint8

const (
	kindApp      nodeKind = iota // runs in pods and reports spans
	kindDatabase                 // reports nothing; its clients name it
	kindCache                    // likewise
)

// service is the unchanging part of a service, database or cache. Services are
// numbered so that calls only go from lower to higher numbers.
type service struct {
	name string
	kind nodeKind
	tier int

	work   float64 // mean own processing of a call, seconds of one slot
	sigma  float64 // deviation of the logarithm of a call's own processing
	cv2    float64 // squared coefficient of variation that goes with sigma
	slots  int     // calls that one replica processes at once
	speed  float64 // cores a slot gets: CPU limits below one core stretch the work
	thread float64 // calls that one replica holds at once, waiting for callees included
	queue  float64 // calls that one replica keeps waiting; more are refused
	errors float64 // share of calls that fail by themselves

	replicas    int     // at the start
	maxReplicas int     // the autoscaler's limit; equal to replicas: no autoscaler
	memory      float64 // bytes of working set when idle
	pauses      float64 // collection pauses a second and replica at the mean load
	missing     float64 // share of cache reads that miss (services with a cache)

	database, cache int // their numbers, -1: none
	callees         []int
	system          string // db.system.name
}

// edge is a caller-callee pair and how the caller calls.
type edge struct {
	caller, callee int
	kind           callKind
	network        float64 // seconds both ways
	timeout        float64 // seconds
	retries        int     // attempts after the first
	budget         float64 // retries allowed a call in the long run; above 1: no budget
	breaker        bool
}

// world is everything that does not change while the simulation runs.
type world struct {
	opt        Options
	law        Laws
	burstArea  float64
	loadKeep   []float64 // by API: what its noise keeps in a tick
	workKeep   []float64 // the same of a service's work
	phantom    []edge    // of independent services: edges that nothing goes over
	services   []service
	edges      []edge
	apis       []api
	hosts      int
	places     []place       // every tree node, by service: the order of the bottom-up pass
	first      []int         // places[first[s]:first[s+1]] are of service s
	switches   int           // number of optional calls (state.off)
	needed     []bool        // switches that are on at first, lest a service is not called at all
	owner      []int         // of a switch: the service whose deployment flips it
	incoming   [][]int32     // edges into a service
	outgoing   [][]int32     // edges out of a service
	mean       [][][]float64 // mean calls a second by tree node
	loads      []float64     // mean calls a second by service
	decay      decays
	meanSeason float64
	peakSeason float64
	peaks      []float64 // the same while all jobs run
	perTrace   float64   // mean number of spans a trace
	rate       float64   // mean traces a second of all APIs
}

// place names a node of an API's tree.
type place struct{ api, variant, node int32 }

// serviceNames are the words that services are called by; more services get numbers.
var serviceNames = [...]string{
	"catalog", "cart", "checkout", "orders", "payment", "shipping", "inventory", "pricing", "search", "users",
	"sessions", "recommendation", "reviews", "promotions", "tax", "currency", "notifications", "email", "media", "profile",
	"wishlist", "returns", "fraud", "ledger", "invoices", "warehouse", "routing", "geo", "loyalty", "coupons",
	"ads", "feed", "comments", "messages", "billing", "subscriptions", "identity", "tokens", "audit", "reports",
	"analytics", "catalog-index", "suggest", "ranking", "features", "experiments", "translations", "images", "uploads", "documents",
	"suppliers", "contracts", "quotes", "stock", "picking", "packing", "carriers", "tracking", "support", "tickets",
}

// nameOf returns the name of the i-th service behind the gateways.
func nameOf(i int) string {
	name := serviceNames[i%len(serviceNames)]
	if round := i / len(serviceNames); round > 0 {
		name += "-" + strconv.Itoa(round+1)
	}
	return name
}

// newWorld draws a system from the options' seed.
func newWorld(opt Options) *world {
	r := NewRand(opt.Seed, streamWorld)
	w := &world{opt: opt, law: DefaultLaws()}
	if opt.Laws != nil {
		w.law = *opt.Laws
	}
	w.burstArea = w.law.burstArea()
	w.drawServices(&r)
	w.drawMenus(&r)
	if w.law.Independent {
		w.drawIndependent(&r)
	} else {
		w.drawAPIs(&r)
	}
	w.meanSeason, w.peakSeason = meanSeason(opt)
	w.index()
	w.scale()
	w.drawCapacity(&r)
	w.drawEdgePolicies(&r)
	w.setDecays()
	w.drawMemories()
	return w
}

// drawServices lays out tiers: a gateway or more, then two to four tiers of
// services, then databases and caches.
func (w *world) drawServices(r *Rand) {
	n := w.opt.Services
	gateways := 1 + n/60
	weights := []float64{0.4, 0.6}
	switch {
	case n >= 60:
		weights = []float64{0.2, 0.35, 0.28, 0.17}
	case n >= 10:
		weights = []float64{0.3, 0.4, 0.3}
	}
	if w.law.Tiers != nil {
		weights = w.law.Tiers
	}
	bound, sum := make([]int, len(weights)), 0.0
	for i, x := range weights {
		sum += x
		bound[i] = gateways + int(math.Floor(float64(sum*float64(n-gateways))+0.5))
	}
	bound[len(bound)-1] = n
	for i := range n {
		s := service{kind: kindApp, database: -1, cache: -1}
		if i < gateways {
			s.name = "gateway"
			if i > 0 {
				s.name += "-" + strconv.Itoa(i+1)
			}
		} else {
			s.name = nameOf(i - gateways)
			for s.tier = 1; i >= bound[s.tier-1]; {
				s.tier++
			}
		}
		w.services = append(w.services, s)
	}
	systems := [...]string{"postgresql", "mysql", "mongodb", "postgresql"}
	for range 1 + n/4 {
		w.services = append(w.services, service{kind: kindDatabase, tier: 9, database: -1, cache: -1, system: systems[r.below(len(systems))]})
	}
	for range 1 + n/6 {
		w.services = append(w.services, service{kind: kindCache, tier: 9, database: -1, cache: -1, system: "redis"})
	}
}

// drawMenus draws which services a service can call. A callee is drawn in
// proportion to a popularity of its own, with a Pareto tail, which gives fan-in a power-law
// tail (Luo et al., SoCC 2021, report of a tenth of services with 16 callers and more);
// tiers further down are called less often.
func (w *world) drawMenus(r *Rand) {
	n := w.opt.Services
	last := w.services[n-1].tier
	start := make([]int, last+2) // tier t is start[t] to start[t+1]
	sums := make([]float64, n+1) // of popularity, over all before
	for c := range n {
		start[w.services[c].tier+1] = c + 1
		sums[c+1] = sums[c] + min(pow(r.unit(), -1/w.law.FanInTail), float64(n)/5+1)
	}
	for t := range last + 1 { // a small system leaves tiers out
		start[t+1] = max(start[t+1], start[t])
	}
	called := make([]bool, n)
	tiers := make([]float64, last+1)
	for s := range n {
		me := &w.services[s]
		wanted := 0
		if me.tier < last {
			wanted = 1 + min(r.poisson(w.law.MenuMean), 9)
		}
		if me.tier == 0 {
			wanted += 3
		}
		for t := range tiers {
			tiers[t] = 0
			if far := t - me.tier; far > 0 {
				tiers[t] = (sums[start[t+1]] - sums[start[t]]) / float64(far*far)
			}
		}
		for range wanted {
			t := r.pick(tiers)
			at := r.between(sums[start[t]], sums[start[t+1]])
			c := min(sort.SearchFloat64s(sums[:n+1], at), start[t+1]) - 1
			if !contains(me.callees, c) {
				me.callees = append(me.callees, c)
				called[c] = true
			}
		}
	}
	for c := start[1]; c < n; c++ { // nobody is unreachable
		if !called[c] {
			s := r.below(start[w.services[c].tier])
			w.services[s].callees = append(w.services[s].callees, c)
		}
	}
	w.drawStores(r)
}

// drawStores gives services their databases and caches; a third share one that
// another owns.
func (w *world) drawStores(r *Rand) {
	n := w.opt.Services
	caches := n + 1 + n/4
	used := [2]int{n, caches}
	assign := func(s, kind, end int, suffix string) int {
		from := n
		if kind == 1 {
			from = caches
		}
		if used[kind] > from && (used[kind] == end || r.chance(0.3)) {
			return from + r.below(used[kind]-from)
		}
		c := used[kind]
		used[kind]++
		w.services[c].name = w.services[s].name + suffix
		return c
	}
	for s := range n {
		me := &w.services[s]
		if me.tier == 0 || (len(me.callees) > 0 && r.chance(0.5)) {
			continue
		}
		me.database = assign(s, 0, caches, "-db")
		if r.chance(0.45) {
			me.cache = assign(s, 1, len(w.services), "-cache")
			me.missing = r.between(0.1, 0.35)
		}
	}
	for c := n; c < len(w.services); c++ {
		if w.services[c].name == "" {
			w.services[c].name = "spare-" + strconv.Itoa(c-n)
		}
	}
}

// contains reports whether list holds x.
func contains(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}
