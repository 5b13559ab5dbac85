package slice

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/apache/arrow/go/v15/arrow"
)

const (
	snapshotMagic   = "PSGS"
	snapshotVersion = 1
)

// EncodeSnapshot writes a snapshot in chunks of about maxBytes at most before
// compression, or MaxChunk where that is zero; a row that is larger makes a chunk of
// its own. The same snapshot gives the same bytes. It refuses a snapshot that Check
// finds malformed. See docs/format/snapshot.md.
func EncodeSnapshot(s *Snapshot, maxBytes int) ([][]byte, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	if maxBytes <= 0 {
		maxBytes = MaxChunk
	}
	spans := s.split(maxBytes)
	contents := make([][]byte, len(spans))
	sum := uint32(0)
	for i, rows := range spans {
		content, err := s.content(rows)
		if err != nil {
			return nil, fmt.Errorf("encode snapshot: slice %d of graph %q: %w", s.Index, s.Graph, err)
		}
		if len(content) > maxContent {
			return nil, fmt.Errorf("encode snapshot: slice %d of graph %q: a chunk has %d bytes, expected at most %d: a name is too long", s.Index, s.Graph, len(content), maxContent)
		}
		contents[i] = content
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), content)
	}
	compressor, err := newCompressor()
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	for i, content := range contents {
		b := beginEnvelope(make([]byte, 0, 256+len(content)/2), snapshotMagic, snapshotVersion)
		b = append(b, 0, 0, 0, 0) // where the content starts, so that tools can pass over the header
		b = binary.AppendUvarint(b, uint64(i))
		b = binary.AppendUvarint(b, uint64(len(contents)))
		b = binary.LittleEndian.AppendUint32(b, sum)
		b = s.appendHeader(b)
		b = binary.AppendUvarint(b, uint64(len(content)))
		binary.LittleEndian.PutUint32(b[envelope:], uint32(len(b)))
		contents[i] = sealEnvelope(compressor.EncodeAll(content, b))
	}
	return contents, nil
}

func (s *Snapshot) appendHeader(b []byte) []byte {
	b = appendString(b, s.Graph)
	b = binary.LittleEndian.AppendUint64(b, s.Fingerprint)
	b = binary.AppendUvarint(b, uint64(s.Width))
	b = binary.AppendVarint(b, s.Index)
	b = binary.AppendUvarint(b, uint64(s.Revision))
	b = binary.AppendVarint(b, s.Segment)
	if s.Complete {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Missing)))
	for _, m := range s.Missing {
		b = appendString(b, m)
	}
	return b
}

// rowSpan is a chunk's share of a snapshot's rows.
type rowSpan struct{ node, nodes, edge, edges, resource, resources int }

// The bytes that a row takes in Arrow, without its text, and what three streams
// take without rows. They are upper bounds: a chunk may come out a little smaller.
const (
	nodeBytes     = 4 + 1 + 11*9
	edgeBytes     = 4 + 4 + 1 + 3*8
	resourceBytes = 2*4 + 1 + 4*8
	streamsBytes  = 10 << 10
)

// split cuts the rows into chunks.
func (s *Snapshot) split(maxBytes int) []rowSpan {
	fixed := streamsBytes + 3*len(s.Graph)
	for _, m := range s.Missing {
		fixed += 3 * (len(m) + 1)
	}
	var spans []rowSpan
	var span rowSpan
	size, rows := fixed, 0
	fit := func(n int) {
		if rows > 0 && size+n > maxBytes {
			spans = append(spans, span)
			span = rowSpan{span.nodes, span.nodes, span.edges, span.edges, span.resources, span.resources}
			size, rows = fixed, 0
		}
		size += n
		rows++
	}
	for _, name := range s.Nodes.Service {
		fit(nodeBytes + len(name))
		span.nodes++
	}
	for range s.Edges.Len() {
		fit(edgeBytes)
		span.edges++
	}
	for i := range s.Resources {
		fit(resourceBytes + len(s.Resources[i].Key) + len(s.Resources[i].Service))
		span.resources++
	}
	return append(spans, span)
}

// content writes the three Arrow streams of some rows, one behind the other.
func (s *Snapshot) content(r rowSpan) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(streamsBytes + (r.nodes-r.node)*(nodeBytes+24) + (r.edges-r.edge)*edgeBytes + (r.resources-r.resource)*(resourceBytes+64))
	write := func(table string, fields []arrow.Field, rows int, columns []arrow.Array) error {
		meta := s.metadata(table)
		if err := appendStream(&b, arrow.NewSchema(fields, &meta), rows, columns); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		return nil
	}
	if err := write("nodes", nodeFields(), r.nodes-r.node, s.Nodes.arrays(r.node, r.nodes)); err != nil {
		return nil, err
	}
	if err := write("edges", edgeFields(), r.edges-r.edge, s.Edges.arrays(r.edge, r.edges)); err != nil {
		return nil, err
	}
	if err := write("resources", resourceFields(), r.resources-r.resource, resourceArrays(s.Resources[r.resource:r.resources])); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (n *Nodes) arrays(from, to int) []arrow.Array {
	columns := []arrow.Array{stringArray(n.Service[from:to]), boolArray(n.Virtual[from:to])}
	for _, c := range n.columns() {
		columns = append(columns, columnArray(c.Column, from, to))
	}
	return columns
}

func (e *Edges) arrays(from, to int) []arrow.Array {
	columns := []arrow.Array{int32Array(e.Callers()[from:to]), int32Array(e.Callee[from:to]), byteArray(e.Kind[from:to])}
	for _, c := range e.columns() {
		columns = append(columns, floatArray((*c.values)[from:to]))
	}
	return columns
}

func resourceArrays(rows []ResourceState) []arrow.Array {
	keys, services, metrics := make([]string, len(rows)), make([]string, len(rows)), make([]uint8, len(rows))
	var numbers [4][]int64
	for i := range numbers {
		numbers[i] = make([]int64, len(rows))
	}
	for i, r := range rows {
		keys[i], services[i], metrics[i] = r.Key, r.Service, r.Metric
		numbers[0][i], numbers[1][i], numbers[2][i], numbers[3][i] = r.LastTime, r.LastStart, r.LastValue, r.LastCount
	}
	columns := []arrow.Array{stringArray(keys), stringArray(services), byteArray(metrics)}
	for _, n := range numbers {
		columns = append(columns, intArray(n))
	}
	return columns
}
