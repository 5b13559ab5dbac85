package slice

import (
	"encoding/binary"
	"math/bits"
)

const (
	partialMagic   = "PSGP"
	partialVersion = 1
)

// EncodePartial writes a partial in chunks of at most maxBytes, or MaxChunk where
// that is zero; a row that is larger makes a chunk of its own. Each chunk is a partial
// itself, with some of the rows, and says which of how many it is: MergePartials
// of all is p. The same partial gives the same bytes. See docs/format/partial.md.
func EncodePartial(p *Partial, maxBytes int) [][]byte {
	if maxBytes <= 0 {
		maxBytes = MaxChunk
	}
	w := partialWriter{header: appendPartialHeader(nil, &p.Header), maxBytes: maxBytes}
	w.reset()
	for i := range p.Nodes {
		w.add(0, func(b []byte) []byte { return w.node(b, &p.Nodes[i]) })
	}
	for i := range p.Edges {
		w.add(1, func(b []byte) []byte { return w.edge(b, &p.Edges[i]) })
	}
	for i := range p.Sightings {
		w.add(2, func(b []byte) []byte { return w.sighting(b, &p.Sightings[i]) })
	}
	for i := range p.Resources {
		w.add(3, func(b []byte) []byte { return w.resource(b, &p.Resources[i]) })
	}
	if w.rows > 0 || len(w.bodies) == 0 {
		w.flush()
	}
	return w.chunks()
}

func appendPartialHeader(b []byte, h *Header) []byte {
	b = appendString(b, h.Graph)
	b = binary.LittleEndian.AppendUint64(b, h.Fingerprint)
	b = binary.AppendUvarint(b, uint64(h.Width))
	b = binary.AppendVarint(b, h.Index)
	b = appendString(b, h.Source.Topic)
	b = binary.AppendUvarint(b, uint64(h.Source.Partition))
	b = binary.AppendUvarint(b, uint64(h.Partitions))
	return binary.AppendVarint(b, h.Watermark)
}

// A partialWriter fills one chunk after another.
type partialWriter struct {
	header   []byte
	maxBytes int

	refs   map[string]uint64 // of the chunk's strings
	names  []string          // by reference
	table  int               // bytes that the string table takes
	tables [4][]byte         // rows of nodes, edges, sightings, resources
	counts [4]int
	rows   int

	bodies [][]byte // finished chunks, without envelope and numbers
}

func (w *partialWriter) reset() {
	w.refs = make(map[string]uint64)
	w.names, w.table, w.rows = w.names[:0], 0, 0
	for i := range w.tables {
		w.tables[i], w.counts[i] = w.tables[i][:0], 0
	}
}

// add writes a row, and begins a chunk with it where it does not fit.
func (w *partialWriter) add(table int, row func([]byte) []byte) {
	before, names, size := len(w.tables[table]), len(w.names), w.table
	w.tables[table] = row(w.tables[table])
	if w.rows > 0 && w.size() > w.maxBytes {
		w.tables[table] = w.tables[table][:before]
		w.names, w.table = w.names[:names], size
		w.flush() // which also forgets the references just taken back
		w.tables[table] = row(w.tables[table])
	}
	w.counts[table]++
	w.rows++
}

// size is an upper bound of what the chunk takes.
func (w *partialWriter) size() int {
	const numbers = 7 * binary.MaxVarintLen32 // chunk, chunks, and how many strings and rows
	n := envelope + numbers + len(w.header) + w.table
	for _, t := range w.tables {
		n += len(t)
	}
	return n
}

func (w *partialWriter) flush() {
	b := make([]byte, 0, w.size())
	b = append(b, w.header...)
	b = binary.AppendUvarint(b, uint64(len(w.names)))
	for _, s := range w.names {
		b = appendString(b, s)
	}
	for i, t := range w.tables {
		b = binary.AppendUvarint(b, uint64(w.counts[i]))
		b = append(b, t...)
	}
	w.bodies = append(w.bodies, b)
	w.reset()
}

func (w *partialWriter) chunks() [][]byte {
	chunks := make([][]byte, len(w.bodies))
	for i, body := range w.bodies {
		b := make([]byte, 0, envelope+2*binary.MaxVarintLen32+len(body))
		b = beginEnvelope(b, partialMagic, partialVersion)
		b = binary.AppendUvarint(b, uint64(i))
		b = binary.AppendUvarint(b, uint64(len(w.bodies)))
		chunks[i] = sealEnvelope(append(b, body...))
	}
	return chunks
}

// ref appends the reference of a string in the chunk's table.
func (w *partialWriter) ref(b []byte, s string) []byte {
	n, ok := w.refs[s]
	if !ok {
		n = uint64(len(w.names))
		w.refs[s] = n
		w.names = append(w.names, s)
		w.table += uvarintLen(uint64(len(s))) + len(s)
	}
	return binary.AppendUvarint(b, n)
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func appendSum(b []byte, s Sum) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, s.Hi), s.Lo)
}

func (w *partialWriter) node(b []byte, n *NodePart) []byte {
	b = w.ref(b, n.Service)
	b = binary.AppendVarint(b, n.Spans)
	b = binary.AppendVarint(b, n.Requests)
	b = binary.AppendVarint(b, n.Errors)
	b = binary.AppendVarint(b, n.Arrivals)
	b = binary.AppendVarint(b, n.Unpaired)
	b = appendSum(b, n.Duration)
	b = binary.AppendUvarint(b, uint64(len(n.Latency)))
	var last uint16
	for _, bucket := range n.Latency {
		b = binary.AppendUvarint(b, uint64(bucket.Index-last))
		b = binary.AppendVarint(b, bucket.Count)
		last = bucket.Index
	}
	return b
}

func (w *partialWriter) edge(b []byte, e *EdgePart) []byte {
	b = w.ref(b, e.Caller)
	b = w.ref(b, e.Callee)
	b = append(b, byte(e.Kind))
	b = binary.AppendVarint(b, e.Calls)
	b = binary.AppendVarint(b, e.Errors)
	return appendSum(b, e.Duration)
}

func (w *partialWriter) sighting(b []byte, s *Sighting) []byte {
	return w.ref(w.ref(b, s.Key), s.Service)
}

func (w *partialWriter) resource(b []byte, r *ResourcePart) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.Keys)))
	for _, k := range r.Keys {
		b = w.ref(b, k)
	}
	b = w.ref(b, r.Service)
	var flags byte
	if r.Cumulative {
		flags = 1
	}
	b = append(b, r.Metric, flags)
	b = binary.AppendVarint(b, r.Points)
	b = appendSum(b, r.Total)
	b = binary.AppendVarint(b, r.Count)
	b = binary.AppendVarint(b, r.LastTime)
	b = binary.AppendVarint(b, r.LastStart)
	b = binary.AppendVarint(b, r.LastValue)
	return binary.AppendVarint(b, r.LastCount)
}
