package slice

import "slices"

// Snapshot is the whole graph in one slice: a struct of arrays, rows sorted by
// service name, edges in CSR by caller. It is a pure function of the partials.
type Snapshot struct {
	Graph       string
	Fingerprint uint64
	Width       int64 // nanoseconds
	Index       int64 // the slice starts at Index × Width, Unix nanoseconds
	Revision    int   // 1; 2 where partials came after an incomplete closure
	Complete    bool  // every source partition's share is in
	Missing     []string
	Segment     int64 // index of the first slice of the run without a gap that this one belongs to
	Nodes       Nodes
	Edges       Edges
	Resources   []ResourceState // what the next slices need to join metrics and make rates
}

// Start is the slice's start in Unix nanoseconds.
func (s *Snapshot) Start() int64 { return s.Index * s.Width }

// Column is one measured quantity of all services of a snapshot; where Valid is
// false the value is missing and Value is zero.
type Column struct {
	Value []float64 // [N]
	Valid []bool    // [N]
}

// Nodes are the services' columns, each of the length of Service.
type Nodes struct {
	Service  []string // sorted
	Virtual  []bool   // no span of the service itself was seen: it is known as a peer only
	Requests Column   // server spans, adjusted, in the slice
	Errors   Column   // of them failed
	Arrivals Column   // by start time
	Mean     Column   // response time, ms
	P50      Column   // ms
	P95      Column   // ms
	P99      Column   // ms
	CPU      Column   // mean over containers: cores, or a share from 0 to 1
	Memory   Column   // mean over containers: bytes, or a share from 0 to 1
	Replicas Column   // containers seen
	Unpaired Column   // halves without their other half
}

// Edges are the calls in CSR: the edges of caller i are at Offset[i] up to
// Offset[i+1], sorted by callee and kind.
type Edges struct {
	Offset []int32   // [N+1]
	Callee []int32   // [E] row in Nodes
	Kind   []uint8   // [E] an EdgeKind
	Calls  []float64 // [E] adjusted
	Errors []float64 // [E]
	Mean   []float64 // [E] ms
}

// ResourceState is what was last known of a container or service resource in
// this slice. A restart rebuilds the assembler's memory from the snapshots of the
// last hour.
type ResourceState struct {
	Key       string // join key
	Service   string // where a sighting or the samples tell it
	Metric    uint8  // an ingest.Metric; meaningful where LastTime is not zero
	LastTime  int64
	LastStart int64
	LastValue int64
	LastCount int64
}

// Len is the number of services.
func (n *Nodes) Len() int { return len(n.Service) }

// Find gives the row of a service.
func (n *Nodes) Find(service string) (row int, ok bool) {
	return slices.BinarySearch(n.Service, service)
}

// NewColumn makes a column of n missing values.
func NewColumn(n int) Column { return Column{Value: make([]float64, n), Valid: make([]bool, n)} }

// Set makes the value of row i known.
func (c *Column) Set(i int, v float64) { c.Value[i], c.Valid[i] = v, true }

// At gives the value of row i; ok is false where it is missing.
func (c *Column) At(i int) (v float64, ok bool) { return c.Value[i], c.Valid[i] }

// Len is the number of edges.
func (e *Edges) Len() int { return len(e.Callee) }

// Of gives the edges of caller i: those from first up to, not including, end.
func (e *Edges) Of(i int) (first, end int) { return int(e.Offset[i]), int(e.Offset[i+1]) }

// Callers gives the caller's row of each edge.
func (e *Edges) Callers() []int32 {
	callers := make([]int32, e.Len())
	for i := range len(e.Offset) - 1 {
		first, end := e.Of(i)
		for k := first; k < end; k++ {
			callers[k] = int32(i)
		}
	}
	return callers
}
