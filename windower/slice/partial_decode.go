package slice

import (
	"encoding/binary"
	"math"
)

// The fewest bytes that things take in the encoding, which bound how many of them
// a decoder makes room for.
const (
	minNode     = 9
	minEdge     = 7
	minSighting = 2
	minResource = 12
	minBucket   = 2
)

// DecodePartial reads one chunk of a partial: chunk of chunks, counted from zero.
// The partial shares no memory with data. Errors are marked with ErrCorrupt or
// ErrVersion.
func DecodePartial(data []byte) (p *Partial, chunk, chunks int, err error) {
	body, err := openEnvelope(data, partialMagic, partialVersion)
	if err != nil {
		return nil, 0, 0, err
	}
	r := partialReader{wireReader: wireReader{rest: body}}
	number := r.uvarint()
	chunks = r.below(maxChunks+1, "number of chunks")
	if number >= uint64(chunks) {
		r.fail("chunk %d of %d", number, chunks)
	}
	p = &Partial{Header: r.header()}
	r.table()
	p.Nodes = readRows(&r, minNode, "nodes", r.node, compareNodes)
	p.Edges = readRows(&r, minEdge, "edges", r.edge, compareEdges)
	p.Sightings = readRows(&r, minSighting, "sightings", r.sighting, compareSightings)
	p.Resources = readRows(&r, minResource, "resources", r.resource, compareResources)
	if len(r.rest) > 0 {
		r.fail("%d bytes left over", len(r.rest))
	}
	if r.err != nil {
		return nil, 0, 0, r.err
	}
	return p, int(number), chunks, nil
}

type partialReader struct {
	wireReader
	names []string
}

func (r *partialReader) header() Header {
	h := Header{Graph: r.string()}
	if b := r.bytes(8); b != nil {
		h.Fingerprint = binary.LittleEndian.Uint64(b)
	}
	h.Width = int64(r.below(math.MaxInt64, "slice width"))
	h.Index = r.varint()
	h.Source.Topic = r.string()
	h.Source.Partition = r.below(math.MaxInt32, "partition")
	h.Partitions = r.below(math.MaxInt32, "number of partitions")
	h.Watermark = r.varint()
	return h
}

// table reads the strings. They share one allocation.
func (r *partialReader) table() {
	n := r.count(1, "strings")
	start := r.rest
	ends := make([][2]int, n)
	for i := range ends {
		size := r.count(1, "bytes of text")
		from := len(start) - len(r.rest)
		r.bytes(size)
		ends[i] = [2]int{from, from + size}
	}
	if r.err != nil {
		return
	}
	all := string(start[:len(start)-len(r.rest)])
	r.names = make([]string, n)
	for i, e := range ends {
		r.names[i] = all[e[0]:e[1]]
	}
}

func (r *partialReader) ref() string {
	if i := r.below(uint64(len(r.names)), "string reference"); r.err == nil {
		return r.names[i]
	}
	return ""
}

func (r *partialReader) sum() Sum { return Sum{Hi: r.uvarint(), Lo: r.uvarint()} }

// readRows reads rows and checks that they rise strictly by their key.
func readRows[T any](r *partialReader, size int, what string, read func() T, compare func(a, b *T) int) []T {
	n := r.count(size, what)
	if n == 0 {
		return nil
	}
	rows := make([]T, 0, n)
	for range n {
		rows = append(rows, read())
		if r.err != nil {
			return nil
		}
		if last := len(rows) - 1; last > 0 && compare(&rows[last-1], &rows[last]) >= 0 {
			r.fail("%s are not sorted at row %d", what, last)
			return nil
		}
	}
	return rows
}

func (r *partialReader) node() NodePart {
	n := NodePart{
		Service:  r.ref(),
		Spans:    r.varint(),
		Requests: r.varint(),
		Errors:   r.varint(),
		Arrivals: r.varint(),
		Unpaired: r.varint(),
		Duration: r.sum(),
	}
	if size := r.count(minBucket, "buckets"); size > 0 {
		n.Latency = make(Histogram, 0, size)
		index := uint64(0)
		for i := range size {
			step := r.uvarint()
			index += step
			if i > 0 && step == 0 || step >= Buckets || index >= Buckets {
				r.fail("histogram bucket %d after a step of %d", index, step)
				break
			}
			n.Latency = append(n.Latency, Bucket{Index: uint16(index), Count: r.varint()})
		}
	}
	return n
}

func (r *partialReader) edge() EdgePart {
	e := EdgePart{Caller: r.ref(), Callee: r.ref(), Kind: EdgeKind(r.byte())}
	if e.Kind > Virtual {
		r.fail("edge kind %d", e.Kind)
	}
	e.Calls, e.Errors, e.Duration = r.varint(), r.varint(), r.sum()
	return e
}

func (r *partialReader) sighting() Sighting { return Sighting{Key: r.ref(), Service: r.ref()} }

func (r *partialReader) resource() ResourcePart {
	var p ResourcePart
	if n := r.count(1, "keys"); n > 0 {
		p.Keys = make([]string, n)
		for i := range p.Keys {
			p.Keys[i] = r.ref()
		}
	}
	p.Service = r.ref()
	p.Metric = r.byte()
	flags := r.byte()
	if flags > 1 {
		r.fail("resource flags %#x", flags)
	}
	p.Cumulative = flags == 1
	p.Points, p.Total, p.Count = r.varint(), r.sum(), r.varint()
	p.LastTime, p.LastStart, p.LastValue, p.LastCount = r.varint(), r.varint(), r.varint(), r.varint()
	return p
}
