package pool

// Lane is one user's way into a pool. It has no state of its own.
type Lane struct {
	pool   *Pool
	urgent bool
}

// Urgent makes a lane for forecasts.
func (p *Pool) Urgent() *Lane { return &Lane{pool: p, urgent: true} }

// Background makes a lane for trainings, which wait while a forecast is made.
func (p *Pool) Background() *Lane { return &Lane{pool: p} }

// Workers is the number of threads that Run uses at most.
func (l *Lane) Workers() int {
	if l == nil {
		return 1
	}
	return l.pool.workers
}

// Begin holds background lanes back until End. On a background or nil lane it does nothing.
func (l *Lane) Begin() {
	if l != nil && l.urgent {
		l.pool.urgent.Add(1)
	}
}

// End lets background lanes go on.
func (l *Lane) End() {
	if l == nil || !l.urgent {
		return
	}
	p := l.pool
	if p.urgent.Add(-1) == 0 {
		p.quiet.L.Lock()
		p.quiet.Broadcast()
		p.quiet.L.Unlock()
	}
}

// Run does all parts of t and returns when they are done.
func (l *Lane) Run(parts int, t Task) {
	if l != nil {
		l.yield()
		l.pool.run(parts, t)
		return
	}
	for i := range parts {
		t.Part(i, 0)
	}
}

// yield waits while a forecast is made.
func (l *Lane) yield() {
	p := l.pool
	if l.urgent || p.urgent.Load() == 0 {
		return
	}
	p.quiet.L.Lock()
	for p.urgent.Load() > 0 {
		p.quiet.Wait()
	}
	p.quiet.L.Unlock()
}
