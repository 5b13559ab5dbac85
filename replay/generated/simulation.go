package generated

// Simulation is a system running without its traces: queues, load and incidents,
// tick by tick. It is what a trace is drawn from, and it can be forked.
type Simulation struct {
	w    *world
	s    *State
	t    *Tick
	rand Rand
}

// NewSimulation draws the same system as Open does from the same options, and
// moves it through the same states.
func NewSimulation(opt Options) (*Simulation, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	w := newWorld(opt)
	return &Simulation{w: w, s: w.newState(), t: w.newTick(), rand: NewRand(opt.Seed, streamStep)}, nil
}

// Step moves the system by a tick and returns its conditions, valid until the next
// Step.
func (m *Simulation) Step() *Tick {
	m.w.step(m.s, &m.rand, m.t)
	return m.t
}

// Fork returns a simulation that continues from a copy of the state. With nil it
// has the same future; with a stream of its own, another one.
func (m *Simulation) Fork(rand *Rand) *Simulation {
	if rand == nil {
		rand = &m.rand
	}
	return &Simulation{w: m.w, s: m.s.Clone(), t: m.w.newTick(), rand: *rand}
}

// Services returns the names of services and stores in the order of Tick.Services.
func (m *Simulation) Services() []string {
	names := make([]string, len(m.w.services))
	for i := range m.w.services {
		names[i] = m.w.services[i].name
	}
	return names
}
