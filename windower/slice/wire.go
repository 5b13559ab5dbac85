package slice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrCorrupt marks bytes that are not what an encoder of this package wrote: cut
// short, changed, or something else altogether.
var ErrCorrupt = errors.New("corrupt")

// ErrVersion marks an encoding of a version that this program does not know.
var ErrVersion = errors.New("unknown version")

// MaxChunk is how large a chunk should be at most before compression. Kafka's
// brokers take records of up to 1 MiB unless told otherwise.
const MaxChunk = 512 << 10

// maxChunks bounds what a decoder believes about how many chunks there are.
const maxChunks = 1 << 16

// Every encoding starts with an envelope of nine bytes: a magic of four, the
// version, and the CRC-32C of all that follows.
const envelope = 9

// checksum is CRC-32C. The standard library makes the table once.
func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// beginEnvelope appends magic and version, and room for the checksum.
func beginEnvelope(b []byte, magic string, version byte) []byte {
	return append(append(append(b, magic...), version), 0, 0, 0, 0)
}

// sealEnvelope writes the checksum into an encoding that starts at b[0].
func sealEnvelope(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[envelope-4:], checksum(b[envelope:]))
	return b
}

// openEnvelope checks the envelope and gives what it holds.
func openEnvelope(data []byte, magic string, version byte) ([]byte, error) {
	if len(data) < envelope || string(data[:4]) != magic {
		return nil, fmt.Errorf("%w: expected magic %q, found %q", ErrCorrupt, magic, data[:min(4, len(data))])
	}
	if data[4] != version {
		return nil, fmt.Errorf("%w %d: expected %d; written by a newer Presage?", ErrVersion, data[4], version)
	}
	if found, sum := binary.LittleEndian.Uint32(data[5:]), checksum(data[envelope:]); found != sum {
		return nil, fmt.Errorf("%w: checksum is %08x, expected %08x of %d bytes", ErrCorrupt, found, sum, len(data))
	}
	return data[envelope:], nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// wireReader takes values off the front of rest. The first error sticks, and from
// then on every value is zero.
type wireReader struct {
	rest []byte
	err  error
}

func (r *wireReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
	}
	r.rest = nil
}

func (r *wireReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("a number is cut short or too large")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *wireReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail("a number is cut short or too large")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// below reads a number that must be lower than limit.
func (r *wireReader) below(limit uint64, what string) int {
	v := r.uvarint()
	if v >= limit {
		r.fail("%s is %d, expected less than %d", what, v, limit)
		return 0
	}
	return int(v)
}

// count reads how many things of at least size bytes follow.
func (r *wireReader) count(size int, what string) int {
	v := r.uvarint()
	if v > uint64(len(r.rest)/size) {
		r.fail("%d %s announced, %d bytes left", v, what, len(r.rest))
		return 0
	}
	return int(v)
}

func (r *wireReader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail("%d bytes announced, %d left", n, len(r.rest))
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *wireReader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *wireReader) string() string { return string(r.bytes(r.count(1, "bytes of text"))) }
