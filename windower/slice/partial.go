package slice

// EdgeKind says what kind of call an edge stands for.
type EdgeKind uint8

// The kinds of edge.
const (
	Call     EdgeKind = iota // a client span and its server span were both seen
	Queue                    // a producer and its consumer, or a half that names a queue
	Database                 // a client span that names a database or cache
	Virtual                  // one half only, which names its peer (or a root: its peer is User)
)

// User is the virtual caller of server spans that have neither parent nor peer.
const User = "user"

// Other collects the services and edges beyond the configured bounds.
const Other = "__other__"

// Source is a partition of a telemetry topic.
type Source struct {
	Topic     string
	Partition int
}

// Header says what a partial is a part of.
type Header struct {
	Graph       string
	Fingerprint uint64 // of the graph's slice width, lateness and naming rules
	Width       int64  // slice width in nanoseconds
	Index       int64  // the slice starts at Index × Width, Unix nanoseconds
	Source      Source
	Partitions  int   // how many partitions the source's topic has
	Watermark   int64 // the source's watermark after this partial, Unix nanoseconds; math.MaxInt64 at the end of a recording
}

// Start is the slice's start in Unix nanoseconds.
func (h Header) Start() int64 { return h.Index * h.Width }

// End is the slice's end in Unix nanoseconds.
func (h Header) End() int64 { return (h.Index + 1) * h.Width }

// Partial is what one source partition adds to one slice. Counts named in 1/256
// are adjusted counts. All rows are sorted by their key and each key is there once.
type Partial struct {
	Header
	Nodes     []NodePart     // by Service
	Edges     []EdgePart     // by Caller, Callee, Kind
	Sightings []Sighting     // by Key
	Resources []ResourcePart // by Keys[0], Metric
}

// Empty reports whether the partial has watermark only.
func (p *Partial) Empty() bool {
	return len(p.Nodes) == 0 && len(p.Edges) == 0 && len(p.Sightings) == 0 && len(p.Resources) == 0
}

// NodePart counts a service's own spans that ended in the slice.
type NodePart struct {
	Service  string
	Spans    int64     // server and consumer spans, unweighted
	Requests int64     // the same in adjusted counts, 1/256
	Errors   int64     // of them failed, 1/256
	Arrivals int64     // spans by the slice of their start, 1/256 (in the oldest open slice where that was closed)
	Unpaired int64     // halves of this service whose other half never came and is not named, unweighted
	Duration Sum       // of the server spans, nanoseconds × 1/256
	Latency  Histogram // of the server spans' durations in nanoseconds, weights in 1/256
}

// EdgePart counts the calls from one service to another.
type EdgePart struct {
	Caller, Callee string
	Kind           EdgeKind
	Calls          int64 // 1/256
	Errors         int64 // 1/256
	Duration       Sum   // the serving half's where it is known, else the calling half's, nanoseconds × 1/256
}

// Sighting says that spans of Service carried the resource key Key. Of two
// services under one key the lexically smaller is kept.
type Sighting struct {
	Key, Service string
}

// ResourcePart is what was measured of one container (or service) by one metric.
type ResourcePart struct {
	Keys       []string // join keys, best first; the first identifies the container
	Service    string   // where the samples carry it
	Metric     uint8    // an ingest.Metric
	Cumulative bool
	Points     int64 // number of samples
	Total      Sum   // gauges: of values in millionths; delta histograms: of durations in nanoseconds
	Count      int64 // delta histograms: calls
	LastTime   int64 // cumulative: the latest point's time, Unix nanoseconds
	LastStart  int64 // cumulative: the latest point's start
	LastValue  int64 // cumulative counter: the latest value in millionths; histogram: its sum in nanoseconds
	LastCount  int64 // cumulative histogram: the latest count
}
