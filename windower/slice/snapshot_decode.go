package slice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/klauspost/compress/zstd"
)

// ErrUnfinished says that chunks of a snapshot are missing.
var ErrUnfinished = errors.New("chunks of a snapshot are missing")

// DecodeSnapshot puts the chunks of one snapshot together. Errors are marked with
// ErrCorrupt, ErrVersion or ErrUnfinished.
func DecodeSnapshot(chunks [][]byte) (*Snapshot, error) {
	r, err := NewSnapshotReader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for i, data := range chunks {
		s, err := r.Add(data)
		if err != nil {
			return nil, err
		}
		if s != nil && i < len(chunks)-1 {
			return nil, fmt.Errorf("%w: slice %d of graph %q is whole after %d chunks, %d are given", ErrCorrupt, s.Index, s.Graph, i+1, len(chunks))
		}
		if s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: %d are given", ErrUnfinished, len(chunks))
}

// A snapshotChunk is one chunk, taken apart. Snapshot has the header's fields only.
type snapshotChunk struct {
	Snapshot
	chunk, chunks int
	sum           uint32 // of the contents of all chunks
	size          int    // of the content
	compressed    []byte
}

// readSnapshotChunk reads all but the content.
func readSnapshotChunk(data []byte) (*snapshotChunk, error) {
	body, err := openEnvelope(data, snapshotMagic, snapshotVersion)
	if err != nil {
		return nil, err
	}
	r := wireReader{rest: body}
	var c snapshotChunk
	var start uint32
	if b := r.bytes(4); b != nil {
		start = binary.LittleEndian.Uint32(b)
	}
	c.chunk = r.below(maxChunks, "chunk")
	c.chunks = r.below(maxChunks+1, "number of chunks")
	if c.chunk >= c.chunks {
		r.fail("chunk %d of %d", c.chunk, c.chunks)
	}
	if b := r.bytes(4); b != nil {
		c.sum = binary.LittleEndian.Uint32(b)
	}
	c.Graph = r.string()
	if b := r.bytes(8); b != nil {
		c.Fingerprint = binary.LittleEndian.Uint64(b)
	}
	c.Width = int64(r.below(math.MaxInt64, "slice width"))
	c.Index = r.varint()
	c.Revision = r.below(math.MaxInt32, "revision")
	c.Segment = r.varint()
	complete := r.byte()
	if complete > 1 {
		r.fail("complete is %d", complete)
	}
	c.Complete = complete == 1
	if n := r.count(1, "missing sources"); n > 0 {
		c.Missing = make([]string, n)
		for i := range c.Missing {
			c.Missing[i] = r.string()
		}
	}
	c.size = r.below(maxContent+1, "size of the content")
	c.compressed = r.rest
	if found := len(data) - len(r.rest); r.err == nil && uint64(start) != uint64(found) {
		r.fail("the content starts at %d, expected %d", found, start)
	}
	if r.err != nil {
		return nil, r.err
	}
	return &c, nil
}

// A SnapshotReader puts snapshots together from their chunks, read in the order of
// the log. The caller must Close it.
type SnapshotReader struct {
	decompressor *zstd.Decoder
	schemas      [3][]byte // of nodes, edges, resources
	open         []*openSnapshot
	dropped      int
}

// maxOpenSnapshots is how many unfinished snapshots a reader keeps: a writer that
// died leaves one behind.
const maxOpenSnapshots = 4

// An openSnapshot is a snapshot of which some chunks are there.
type openSnapshot struct {
	first    *snapshotChunk
	contents [][]byte
	left     int
}

// NewSnapshotReader makes a reader.
func NewSnapshotReader() (*SnapshotReader, error) {
	r := &SnapshotReader{}
	for i, fields := range [][]arrow.Field{nodeFields(), edgeFields(), resourceFields()} {
		message, err := schemaMessage(arrow.NewSchema(fields, nil))
		if err != nil {
			return nil, err
		}
		r.schemas[i] = message
	}
	var err error
	r.decompressor, err = newDecompressor()
	return r, err
}

// Close frees the reader's memory.
func (r *SnapshotReader) Close() {
	r.decompressor.Close()
	r.open = nil
}

// Dropped is how many snapshots were given up because chunks of many others came
// before their last one.
func (r *SnapshotReader) Dropped() int { return r.dropped }

// Add takes the next chunk and gives the snapshot that it completes, or nil. A
// snapshot that was written twice comes twice: callers take the first by index and
// revision. Chunks of two writers are never mixed. Errors are marked with ErrCorrupt
// or ErrVersion, and leave the reader as it was.
func (r *SnapshotReader) Add(data []byte) (*Snapshot, error) {
	c, err := readSnapshotChunk(data)
	if err != nil {
		return nil, err
	}
	content, err := decompress(r.decompressor, c.compressed, c.size)
	if err != nil {
		return nil, fmt.Errorf("slice %d of graph %q: %w", c.Index, c.Graph, err)
	}
	c.compressed = nil
	if c.chunks == 1 {
		return r.whole(c, [][]byte{content})
	}
	at, o := r.find(c)
	if o.contents[c.chunk] != nil {
		return nil, nil // written twice
	}
	o.contents[c.chunk] = content
	if o.left--; o.left > 0 {
		return nil, nil
	}
	r.open = append(r.open[:at], r.open[at+1:]...)
	return r.whole(o.first, o.contents)
}

// find gives the unfinished snapshot that a chunk belongs to, and makes it if need
// be.
func (r *SnapshotReader) find(c *snapshotChunk) (at int, o *openSnapshot) {
	for i, o := range r.open {
		f := o.first
		if f.Graph == c.Graph && f.Index == c.Index && f.Revision == c.Revision && f.sum == c.sum && f.chunks == c.chunks {
			return i, o
		}
	}
	if len(r.open) == maxOpenSnapshots {
		r.open = append(r.open[:0], r.open[1:]...)
		r.dropped++
	}
	r.open = append(r.open, &openSnapshot{first: c, contents: make([][]byte, c.chunks), left: c.chunks})
	return len(r.open) - 1, r.open[len(r.open)-1]
}

// whole reads the contents of all chunks.
func (r *SnapshotReader) whole(c *snapshotChunk, contents [][]byte) (*Snapshot, error) {
	s := c.Snapshot
	var callers []int32
	sum := uint32(0)
	for i, content := range contents {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), content)
		rest := content
		var err error
		for table, read := range []func(arrow.Record){s.Nodes.appendRecord, func(rec arrow.Record) { callers = s.Edges.appendRecord(rec, callers) }, s.appendResources} {
			if rest, err = readStream(rest, r.schemas[table], read); err != nil {
				return nil, fmt.Errorf("slice %d of graph %q, chunk %d: %w", s.Index, s.Graph, i, err)
			}
		}
		if len(rest) > 0 {
			return nil, fmt.Errorf("%w: slice %d of graph %q, chunk %d: %d bytes left over", ErrCorrupt, s.Index, s.Graph, i, len(rest))
		}
	}
	if sum != c.sum {
		return nil, fmt.Errorf("%w: slice %d of graph %q: checksum of the chunks is %08x, expected %08x", ErrCorrupt, s.Index, s.Graph, c.sum, sum)
	}
	if err := s.Edges.index(callers, s.Nodes.Len()); err != nil {
		return nil, fmt.Errorf("%w: slice %d of graph %q: %w", ErrCorrupt, s.Index, s.Graph, err)
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return &s, nil
}

// index makes the offsets from the callers of the edges.
func (e *Edges) index(callers []int32, nodes int) error {
	e.Offset = make([]int32, nodes+1)
	last := int32(0)
	for k, caller := range callers {
		if caller < last || int(caller) >= nodes {
			return fmt.Errorf("edge %d comes from service %d of %d, after one of service %d", k, caller, nodes, last)
		}
		e.Offset[caller+1]++
		last = caller
	}
	for i := range nodes {
		e.Offset[i+1] += e.Offset[i]
	}
	return nil
}

func (n *Nodes) appendRecord(rec arrow.Record) {
	n.Service = appendStrings(n.Service, rec.Column(0))
	virtual := rec.Column(1).(*array.Boolean)
	for i := range virtual.Len() {
		n.Virtual = append(n.Virtual, virtual.Value(i))
	}
	for i, c := range n.columns() {
		a := rec.Column(2 + i).(*array.Float64)
		c.Value = append(c.Value, a.Float64Values()...)
		for row := range a.Len() {
			ok := a.IsValid(row)
			c.Valid = append(c.Valid, ok)
			if !ok {
				c.Value[len(c.Valid)-1] = 0
			}
		}
	}
}

func (e *Edges) appendRecord(rec arrow.Record, callers []int32) []int32 {
	e.Callee = append(e.Callee, rec.Column(1).(*array.Int32).Int32Values()...)
	e.Kind = append(e.Kind, rec.Column(2).(*array.Uint8).Uint8Values()...)
	for i, c := range e.columns() {
		*c.values = append(*c.values, rec.Column(3+i).(*array.Float64).Float64Values()...)
	}
	return append(callers, rec.Column(0).(*array.Int32).Int32Values()...)
}

func (s *Snapshot) appendResources(rec arrow.Record) {
	keys, services := appendStrings(nil, rec.Column(0)), appendStrings(nil, rec.Column(1))
	metrics := rec.Column(2).(*array.Uint8)
	number := func(i int) []int64 { return rec.Column(i).(*array.Int64).Int64Values() }
	times, starts, values, counts := number(3), number(4), number(5), number(6)
	for i := range keys {
		s.Resources = append(s.Resources, ResourceState{keys[i], services[i], metrics.Value(i), times[i], starts[i], values[i], counts[i]})
	}
}

// appendStrings copies the text of a column once and shares it between the values.
func appendStrings(to []string, a arrow.Array) []string {
	column := a.(*array.String)
	if column.Len() == 0 {
		return to
	}
	base := column.ValueOffset(0)
	text := string(column.ValueBytes())
	for i := range column.Len() {
		from := column.ValueOffset(i) - base
		to = append(to, text[from:from+column.ValueLen(i)])
	}
	return to
}
