package slice

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Arrow arrays over Go slices. Numbers are not copied: the slices must not change
// while the array is in use.

func floatArray(values []float64) arrow.Array {
	return makeArray(arrow.PrimitiveTypes.Float64, len(values), 0, nil, arrow.Float64Traits.CastToBytes(values))
}

func columnArray(c *Column, from, to int) arrow.Array {
	nulls := 0
	for _, ok := range c.Valid[from:to] {
		if !ok {
			nulls++
		}
	}
	var valid []byte
	if nulls > 0 {
		valid = bitmap(c.Valid[from:to])
	}
	return makeArray(arrow.PrimitiveTypes.Float64, to-from, nulls, valid, arrow.Float64Traits.CastToBytes(c.Value[from:to]))
}

func intArray(values []int64) arrow.Array {
	return makeArray(arrow.PrimitiveTypes.Int64, len(values), 0, nil, arrow.Int64Traits.CastToBytes(values))
}

func int32Array(values []int32) arrow.Array {
	return makeArray(arrow.PrimitiveTypes.Int32, len(values), 0, nil, arrow.Int32Traits.CastToBytes(values))
}

func byteArray(values []uint8) arrow.Array {
	return makeArray(arrow.PrimitiveTypes.Uint8, len(values), 0, nil, values)
}

func boolArray(values []bool) arrow.Array {
	return makeArray(arrow.FixedWidthTypes.Boolean, len(values), 0, nil, bitmap(values))
}

func stringArray(values []string) arrow.Array {
	size := 0
	for _, s := range values {
		size += len(s)
	}
	offsets := make([]int32, 1, len(values)+1)
	text := make([]byte, 0, size)
	for _, s := range values {
		text = append(text, s...)
		offsets = append(offsets, int32(len(text)))
	}
	return makeArray(arrow.BinaryTypes.String, len(values), 0, nil, arrow.Int32Traits.CastToBytes(offsets), text)
}

func bitmap(values []bool) []byte {
	bits := make([]byte, bitutil.BytesForBits(int64(len(values))))
	for i, v := range values {
		if v {
			bitutil.SetBit(bits, i)
		}
	}
	return bits
}

func makeArray(t arrow.DataType, n, nulls int, valid []byte, content ...[]byte) arrow.Array {
	buffers := make([]*memory.Buffer, 1, 1+len(content))
	if valid != nil {
		buffers[0] = memory.NewBufferBytes(valid)
	}
	for _, b := range content {
		buffers = append(buffers, memory.NewBufferBytes(b))
	}
	data := array.NewData(t, n, buffers, nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// appendStream appends an Arrow stream with one record batch.
func appendStream(to *bytes.Buffer, schema *arrow.Schema, rows int, columns []arrow.Array) error {
	record := array.NewRecord(schema, columns, int64(rows))
	defer record.Release()
	for _, c := range columns {
		c.Release()
	}
	w := ipc.NewWriter(to, ipc.WithSchema(schema))
	if err := w.Write(record); err != nil {
		return fmt.Errorf("write an Arrow record batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("end an Arrow stream: %w", err)
	}
	return nil
}

// A streamReader gives the messages of Arrow streams that lie behind one another.
// It is an ipc.MessageReader which believes no length in the bytes that the bytes
// themselves do not bear out, and puts the schema that the version stands for in
// place of the one written: a schema made up by somebody else could make arrow/go
// reserve any amount of memory.
type streamReader struct {
	rest   []byte
	schema []byte // the encapsulated schema message to put in place, nil once that is done
}

// message cuts one encapsulated message off the front: its metadata and its body.
// At the end of the stream both are nil.
func (r *streamReader) message() (meta, body []byte, err error) {
	const continuation = 0xffffffff
	if len(r.rest) < 8 || binary.LittleEndian.Uint32(r.rest) != continuation {
		return nil, nil, fmt.Errorf("%w: an Arrow message starts with %x", ErrCorrupt, r.rest[:min(8, len(r.rest))])
	}
	size := binary.LittleEndian.Uint32(r.rest[4:])
	r.rest = r.rest[8:]
	if size == 0 {
		return nil, nil, nil
	}
	if uint64(size) > uint64(len(r.rest)) {
		return nil, nil, fmt.Errorf("%w: Arrow metadata of %d bytes announced, %d left", ErrCorrupt, size, len(r.rest))
	}
	meta, r.rest = r.rest[:size], r.rest[size:]
	length := ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(nil)).BodyLen()
	if length < 0 || length > int64(len(r.rest)) {
		return nil, nil, fmt.Errorf("%w: an Arrow body of %d bytes announced, %d left", ErrCorrupt, length, len(r.rest))
	}
	body, r.rest = r.rest[:length], r.rest[length:]
	return meta, body, nil
}

// Message implements ipc.MessageReader.
func (r *streamReader) Message() (*ipc.Message, error) {
	meta, body, err := r.message()
	if err != nil {
		return nil, err
	}
	if meta == nil {
		return nil, io.EOF
	}
	if r.schema != nil {
		meta, r.schema = r.schema, nil
		return ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body)), nil
	}
	m := ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body))
	if m.Type() != ipc.MessageRecordBatch || compressed(meta) {
		return nil, fmt.Errorf("%w: an Arrow message is not a record batch in the plain", ErrCorrupt)
	}
	return m, nil
}

// compressed reports whether a record batch's metadata say that its columns are
// compressed. No writer of ours does that, and the decompressors make room for whatever a
// frame claims to need. The metadata are a flatbuffer; it panics where they are malformed.
func compressed(meta []byte) bool {
	const header, compression = 2, 3 // fields of Message and of RecordBatch
	message := int(binary.LittleEndian.Uint32(meta))
	at := flatField(meta, message, header)
	batch := at + int(binary.LittleEndian.Uint32(meta[at:]))
	return flatField(meta, batch, compression) != 0
}

// flatField gives the place of a field of a flatbuffer's table, 0 where it is not set.
func flatField(b []byte, table, field int) int {
	fields := table - int(int32(binary.LittleEndian.Uint32(b[table:])))
	if slot := 4 + 2*field; slot < int(binary.LittleEndian.Uint16(b[fields:])) {
		if offset := int(binary.LittleEndian.Uint16(b[fields+slot:])); offset != 0 {
			return table + offset
		}
	}
	return 0
}

// Retain implements ipc.MessageReader.
func (r *streamReader) Retain() {}

// Release implements ipc.MessageReader.
func (r *streamReader) Release() {}

// schemaMessage gives the metadata of a schema's message.
func schemaMessage(schema *arrow.Schema) ([]byte, error) {
	var b bytes.Buffer
	if err := ipc.NewWriter(&b, ipc.WithSchema(schema)).Close(); err != nil {
		return nil, fmt.Errorf("write an Arrow schema: %w", err)
	}
	r := streamReader{rest: b.Bytes()}
	meta, _, err := r.message()
	return meta, err
}

// readStream takes one Arrow stream off the front of data, which must have the
// schema of the given message, and hands each of its record batches to read. What
// arrow/go and read panic with on malformed input becomes an error.
func readStream(data, schema []byte, read func(arrow.Record)) (rest []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: Arrow: %v", ErrCorrupt, p)
		}
	}()
	messages := &streamReader{rest: data, schema: schema}
	r, err := ipc.NewReaderFromMessageReader(messages, ipc.WithAllocator(&limitedAllocator{left: 2*len(data) + 1<<16}))
	if err != nil {
		return nil, fmt.Errorf("%w: Arrow schema: %w", ErrCorrupt, err)
	}
	defer r.Release()
	for r.Next() {
		read(r.Record())
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: Arrow stream: %w", ErrCorrupt, err)
	}
	return messages.rest, nil
}

// A limitedAllocator panics, which readStream catches, before it reserves more
// memory than the bytes at hand can fill.
type limitedAllocator struct {
	memory.GoAllocator
	left int
}

func (a *limitedAllocator) take(size int) {
	if a.left -= size; size < 0 || a.left < 0 {
		panic("more memory is asked for than the bytes can fill")
	}
}

// Allocate implements memory.Allocator.
func (a *limitedAllocator) Allocate(size int) []byte {
	a.take(size)
	return a.GoAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (a *limitedAllocator) Reallocate(size int, b []byte) []byte {
	a.take(size)
	return a.GoAllocator.Reallocate(size, b)
}
