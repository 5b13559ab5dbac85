package ingest

// Position is where a record lies in Kafka.
type Position struct {
	Topic     string
	Partition int
	Offset    int64
}

// TraceID identifies a trace.
type TraceID [16]byte

// SpanID identifies a span within its trace. The zero value is "no span".
type SpanID [8]byte

// Kind is a span's role in a call. The numbers are OTLP's.
type Kind uint8

// The span kinds.
const (
	KindUnspecified Kind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
)

// Calls reports whether the span is the calling half of a call.
func (k Kind) Calls() bool { return k == KindClient || k == KindProducer }

// Serves reports whether the span is the serving half of a call.
func (k Kind) Serves() bool { return k == KindServer || k == KindConsumer }

// PeerKind is what a span's attributes say of the system at its other end.
type PeerKind uint8

// The kinds of peer.
const (
	PeerService  PeerKind = iota // nothing special is known
	PeerDatabase                 // db.* attributes: a database or a cache
	PeerQueue                    // messaging.* attributes, or a producer or consumer span
)

// FullCount is the adjusted count of a span that was not sampled: counts are
// kept in 1/256 so that they add up exactly.
const FullCount = 256

// Span is one decoded span, with what the windower needs of it. Strings are
// interned and may be kept.
type Span struct {
	TraceID  TraceID
	SpanID   SpanID
	ParentID SpanID // zero for a root span
	Kind     Kind
	Error    bool     // the status code is error
	PeerKind PeerKind // of Peer
	Service  string   // service.name of the resource; empty if it has none
	Peer     string   // the other end's name (service.peer.name and kin); empty if unnamed
	Keys     []string // join keys of the resource, best first (see Sample); shared, not to be changed
	Start    int64    // Unix nanoseconds
	End      int64    // Unix nanoseconds
	Adjusted uint32   // how many spans this one stands for, in 1/256 (from tracestate ot=th)
}

// Metric is what a sample measures.
type Metric uint8

// The metrics that are understood. Values are fixed point: see Sample.
const (
	MetricCPUUsage       Metric = iota // gauge: cores, or a utilisation from 0 to 1
	MetricCPUTime                      // counter, always cumulative: seconds of CPU
	MetricMemory                       // gauge: bytes, or a utilisation from 0 to 1
	MetricServerDuration               // histogram of a server's durations: Count and Sum
)

// Sample is one decoded data point of a container or a service.
//
// Keys name the container for the join with what spans' resources say, best
// first: "pod:UID/CONTAINER", "pod:UID", "podname:NAMESPACE/NAME", "container:ID",
// "instance:ID", "deployment:NAMESPACE/NAME"; where there is none of them and the
// resource has a service.name, "service:NAME". Two samples with the same first key are
// of the same container. Samples of MetricServerDuration have a first key of their own
// before these, one for each family of protocols ("…#http", "…#rpc"), since the
// counters of both add up.
type Sample struct {
	Metric     Metric
	Cumulative bool     // Value, Count and Sum count from Start; else they are of this point alone
	Service    string   // service.name where the resource carries it; else empty, and Keys are joined
	Keys       []string // shared, not to be changed
	Start      int64    // Unix nanoseconds; 0 if unknown
	Time       int64    // Unix nanoseconds
	Value      int64    // gauge or counter, in millionths of its unit
	Count      int64    // histogram: number of calls
	Sum        int64    // histogram: sum of durations in nanoseconds
}

// Batch is the content of one Kafka record.
type Batch struct {
	Position
	Time    int64 // the record's timestamp, Unix nanoseconds
	Spans   []Span
	Samples []Sample
	// Watermark is the event time that a replay has reached (header
	// presage-watermark-ns), 0 if the record carries none.
	Watermark int64
	// Final says that nothing comes after this record (header presage-final: 1).
	Final bool
	// Source says where a re-keyed record comes from; its Partitions are 0 where the
	// record is none.
	Source Source
	// Lost counts what the record holds and Spans and Samples don't, by reason.
	Lost [LossCount]int64
}

// The headers of watermark records, which have no value.
const (
	HeaderWatermark = "presage-watermark-ns"
	HeaderFinal     = "presage-final"
)
