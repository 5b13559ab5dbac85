package generated

import (
	"math"
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
	services   []service
	edges      []edge
	apis       []api
	hosts      int
	places     []place       // every tree node, by service: the order of the bottom-up pass
	first      []int         // places[first[s]:first[s+1]] are of service s
	switches   int           // number of optional calls (state.off)
	owner      []int         // of a switch: the service whose deployment flips it
	incoming   [][]int32     // edges into a service
	outgoing   [][]int32     // edges out of a service
	mean       [][][]float64 // mean calls a second by tree node
	loads      []float64     // mean calls a second by service
	decay      decays
	meanSeason float64
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
	w := &world{opt: opt}
	w.drawServices(&r)
	w.drawMenus(&r)
	w.drawAPIs(&r)
	w.index()
	w.scale()
	w.drawCapacity(&r)
	w.drawEdgePolicies(&r)
	w.setDecays()
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
	for i := range 1 + n/4 {
		w.services = append(w.services, service{kind: kindDatabase, tier: 9, database: -1, cache: -1, system: systems[r.below(len(systems))]})
		_ = i
	}
	for range 1 + n/6 {
		w.services = append(w.services, service{kind: kindCache, tier: 9, database: -1, cache: -1, system: "redis"})
	}
}

// drawMenus draws which services a service can call. A callee is drawn in
// proportion to one plus its callers so far, which gives fan-in a power-law tail
// (Barabási and Albert 1999; Luo et al., SoCC 2021, report such a tail).
func (w *world) drawMenus(r *Rand) {
	n := w.opt.Services
	fanIn := make([]float64, len(w.services))
	weights := make([]float64, len(w.services))
	called := func(s, c int) { w.services[s].callees = append(w.services[s].callees, c); fanIn[c]++ }
	last := w.services[n-1].tier
	for s := range n {
		me := &w.services[s]
		wanted := 0
		if me.tier < last {
			wanted = 1 + min(r.poisson(1.4), 6)
		}
		if me.tier == 0 {
			wanted += 3
		}
		for range wanted {
			for c := range n {
				weights[c] = 0
				if t := w.services[c].tier - me.tier; t > 0 && !contains(me.callees, c) {
					weights[c] = (1 + fanIn[c]) / float64(t*t)
				}
			}
			if c := r.pick(weights[:n]); c >= 0 {
				called(s, c)
			}
		}
	}
	for c := range n { // nobody is unreachable
		if w.services[c].tier > 0 && fanIn[c] == 0 {
			for range 1000 {
				if s := r.below(c); w.services[s].tier < w.services[c].tier {
					called(s, c)
					break
				}
			}
		}
	}
	w.drawStores(r, fanIn)
}

// drawStores gives services their databases and caches; a few are shared.
func (w *world) drawStores(r *Rand, fanIn []float64) {
	n := w.opt.Services
	databases := n + 1 + n/4
	assign := func(s, from, to int) int {
		weights := make([]float64, to-from)
		for i := range weights {
			weights[i] = 1 / (0.3 + fanIn[from+i]) // most stores have one owner
			if r.chance(0.15) {
				weights[i] = 1 + fanIn[from+i]
			}
		}
		c := from + r.pick(weights)
		if fanIn[c] == 0 {
			kind := "-db"
			if from > n {
				kind = "-cache"
			}
			w.services[c].name = w.services[s].name + kind
		}
		fanIn[c]++
		return c
	}
	for s := range n {
		me := &w.services[s]
		leaf := len(me.callees) == 0
		if me.tier > 0 && (leaf || r.chance(0.5)) {
			me.database = assign(s, n, databases)
			if r.chance(0.45) {
				me.cache = assign(s, databases, len(w.services))
				me.missing = r.between(0.1, 0.35)
			}
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
