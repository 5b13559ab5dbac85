package generated

import "slices"

// State is all that changes while the simulation runs, random streams apart. It is
// plain data: Clone copies it, and a copy continues as the original would.
type State struct {
	Tick     int64   // ticks done
	Serial   uint64  // replicas, faults and rollouts numbered so far
	Common   float64 // log of the load factor that all APIs share
	Loads    []LoadState
	Services []ServiceState
	Edges    []EdgeState
	Hosts    []HostState
	Off      []bool // optional calls that are switched off
	Faults   []Fault
	Rollouts []Rollout
}

// LoadState is the load of an API.
type LoadState struct {
	Level float64 // log of its own load factor
	Mix   float64 // log weight of its second and third variant
	Burst Burst
}

// Burst is a hump of load: it rises, holds and fades.
type Burst struct {
	Height           float64 // added to the load factor at the top; 0: none
	Age, Rise, Holds float64 // seconds
}

// ServiceState is the queue, the settings and the replicas of a service, database or
// cache.
type ServiceState struct {
	Arriving float64 // calls a second, mean of the last seconds
	Backlog  float64 // calls that wait beyond the stationary queue
	Wait     float64 // seconds of stationary waiting
	Rate     float64 // calls a second that it could serve in the last tick
	Refused  float64 // share of calls refused because the queue was full
	Response float64 // mean seconds from arrival to reply in the last tick
	Level    float64 // slow mean of Response
	Work     float64 // log of the request mix's factor on own work
	Version  float64 // factor of the deployed version on own work
	Missing  float64 // log factor on cache misses
	Cold     float64 // share of the cache that is cold
	Busy     float64 // slot utilisation, mean of the last minute
	Calm     float64 // seconds that fewer replicas would have done
	Trouble  float64 // seconds of overload, as operators count them
	Pressure float64 // log of the factor on own work by what is held in memory
	Held     float64 // calls held, slow mean; kept where pressure counts
	Grown    float64 // factor by which operators have made its slots faster
	Replicas []Replica
}

// Replica is a pod, or one server of a database or cache.
type Replica struct {
	ID      uint64
	Host    int32
	Born    int64   // tick
	Ready   int64   // first tick in which it serves
	Cold    float64 // 1 when just started, then fading: warm-up
	Version float64 // factor on own work
	CPU     float64 // core seconds used since the last metric
	Since   float64 // seconds since the last metric
	Heap    float64 // share of the way to the next collection pause
	Leak    float64 // bytes leaked
}

// EdgeState is a caller's view of a callee.
type EdgeState struct {
	Failing float64 // share of attempts that failed in the last tick
	Recent  float64 // the same, mean of the last ten seconds
	Tokens  float64 // retries in hand
	Allowed float64 // share of wanted retries that the budget lets through
	Open    float64 // seconds that the breaker stays open; below 0: half open
	Muted   float64 // seconds without retries, by an operator
}

// HostState is a machine that pods share.
type HostState struct {
	Noise float64 // log of the slowdown by others' work
	Guest float64 // seconds that a noisy neighbour stays
	Force float64 // its slowdown
	Used  float64 // cores used in the last tick
	Skew  int64   // nanoseconds that its clock is ahead
}

// Clone returns a copy that shares nothing with the original.
func (s *State) Clone() *State {
	c := *s
	c.Loads = slices.Clone(s.Loads)
	c.Services = slices.Clone(s.Services)
	for i := range c.Services {
		c.Services[i].Replicas = slices.Clone(s.Services[i].Replicas)
	}
	c.Edges = slices.Clone(s.Edges)
	c.Hosts = slices.Clone(s.Hosts)
	c.Off = slices.Clone(s.Off)
	c.Faults = slices.Clone(s.Faults)
	c.Rollouts = slices.Clone(s.Rollouts)
	return &c
}

// The random streams of a seed.
const (
	streamWorld = iota + 1
	streamState
	streamStep
	streamTrace
	streamNoise
	streamNames
	streamRows
	streamMemories
)

// offAtStart is the share of optional calls that are off when the run begins.
const offAtStart = 0.4

// newState returns the state before the first tick, at rest.
func (w *world) newState() *State {
	r := NewRand(w.opt.Seed, streamState)
	s := &State{
		Loads: make([]LoadState, len(w.apis)), Services: make([]ServiceState, len(w.services)),
		Edges: make([]EdgeState, len(w.edges)), Hosts: make([]HostState, w.hosts), Off: make([]bool, w.switches),
	}
	for i := range s.Loads {
		s.Loads[i].Level = w.law.LoadDeviation * r.normal()
		s.Loads[i].Mix = w.law.MixDeviation * r.normal()
	}
	for i := range s.Off {
		s.Off[i] = r.chance(offAtStart) && !w.needed[i]
	}
	skew := max(0, float64(w.opt.ClockSkew))
	for i := range s.Hosts {
		s.Hosts[i] = HostState{Noise: w.law.HostDeviation * r.normal(), Skew: int64(skew * r.normal())}
	}
	for i := range s.Services {
		me := &s.Services[i]
		*me = ServiceState{Rate: 1e9, Version: 1, Grown: 1, Arriving: w.loads[i], Work: w.law.WorkDeviation * r.normal(), Missing: missDeviation * r.normal()}
		for range w.services[i].replicas {
			me.Replicas = append(me.Replicas, s.newReplica(w, &r, int32(i), 0, me.Version))
			me.Replicas[len(me.Replicas)-1].Cold = 0
			me.Replicas[len(me.Replicas)-1].Heap = r.unit()
		}
	}
	for i := range s.Edges {
		s.Edges[i] = EdgeState{Allowed: 1, Tokens: 10}
	}
	return s
}

// newReplica makes a replica of a service, on a random host, that serves from tick ready on.
func (s *State) newReplica(w *world, r *Rand, service int32, ready int64, version float64) Replica {
	s.Serial++
	host := int32(r.below(w.hosts))
	if w.law.Independent {
		host = service % int32(w.hosts)
	}
	return Replica{ID: s.Serial, Host: host, Born: s.Tick, Ready: ready, Cold: 1, Version: version}
}

// Tick is what happened in one tick: the conditions that single traces are drawn
// from. Its slices are reused by the next Step.
type Tick struct {
	Index    int64
	Start    int64         // Unix nanoseconds
	Traces   []int         // traces begun, by API
	Mix      [][]float64   // weights of an API's variants
	Services []Condition   // by service
	Edges    []EdgeTick    // by edge
	Ended    []Fault       // incidents that were over in this tick
	visits   [][][]float64 // calls of each tree node
	passed   [][][]float64 // those of them that are finished
	held     [][][]float64 // seconds that a call of each tree node takes its thread
	slow     []float64     // faults' factor on own work, by service
	fail     []float64     // faults' share of failing calls, by service
	delay    []float64     // faults' network delay into a service, seconds
	down     []float64     // faults' share of replicas that are down, by service
	surge    []float64     // faults' factor on load, by API
	hosts    []float64     // factor by which each host slows its pods down
}

// Condition is the state of a service's queue in a tick.
type Condition struct {
	Arrivals  float64 // calls that came
	From, To  float64 // backlog when the tick began and ended, calls
	Rate      float64 // calls a second that can be served
	Wait      float64 // mean of the stationary waiting, seconds
	WaitShare float64 // share of calls that wait so
	Work      float64 // mean own processing of a call of weight 1, before the replica's factor
	Slowness  float64 // mean of the replicas' factors
	Hold      float64 // mean seconds that a call takes its thread
	Response  float64 // mean seconds from arrival to reply
	Refused   float64 // share of calls refused
	Errors    float64 // share of calls that fail by themselves
	Missing   float64 // share of cache reads that miss
	Busy      float64 // slot utilisation
	Pauses    []Pause
}

// Pause is a stop of one replica, in seconds of the tick.
type Pause struct {
	Replica    int
	From, Long float64
}

// EdgeTick is an edge's condition in a tick.
type EdgeTick struct {
	Allowed float64 // share of wanted retries that may be made
	Open    float64 // share of calls that the breaker stops
	Network float64 // seconds both ways
}

// newTick makes a Tick's slices.
func (w *world) newTick() *Tick {
	n := len(w.services)
	t := &Tick{
		Traces: make([]int, len(w.apis)), Mix: make([][]float64, len(w.apis)), Services: make([]Condition, n),
		Edges: make([]EdgeTick, len(w.edges)), visits: make([][][]float64, len(w.apis)), passed: make([][][]float64, len(w.apis)), held: make([][][]float64, len(w.apis)),
		slow: make([]float64, n), fail: make([]float64, n), delay: make([]float64, n), down: make([]float64, n), surge: make([]float64, len(w.apis)), hosts: make([]float64, w.hosts),
	}
	for a := range w.apis {
		t.Mix[a] = make([]float64, len(w.apis[a].variants))
		for _, v := range w.apis[a].variants {
			t.visits[a] = append(t.visits[a], make([]float64, len(v.nodes)))
			t.passed[a] = append(t.passed[a], make([]float64, len(v.nodes)))
			t.held[a] = append(t.held[a], make([]float64, len(v.nodes)))
		}
	}
	return t
}
