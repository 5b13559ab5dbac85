package alibaba

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"unsafe"
)

// kind is a row's rpctype.
type kind uint8

const (
	kindRPC kind = iota
	kindHTTP
	kindUnknown // 2022: UNKNOWN, recorded twice like rpc
	kindCache
	kindDatabase
	kindQueue
	kindInternal
)

var kindNames = [...]string{"rpc", "http", "UNKNOWN", "mc", "db", "mq", "userDefined"}

// twice reports whether both sides of a call are recorded.
func (k kind) twice() bool { return k <= kindUnknown }

func parseKind(field []byte) (kind, bool) {
	for i, s := range kindNames {
		if string(field) == s {
			return kind(i), true
		}
	}
	return 0, false
}

// side says who recorded a row.
type side uint8

const (
	eitherSide side = iota // rt = 0, or 2022 where no sign tells
	callerSide             // rt > 0
	calleeSide             // rt < 0
)

// row is one row of the call graph.
type row struct {
	Start                int64 // milliseconds of the trace
	Duration             int64 // nanoseconds
	Caller, Callee       name
	CallerPod, CalleePod name // instances, 2022
	Interface            name
	Kind                 kind
	Side                 side
}

// address says which call a row speaks of: a trace and a hash of its rpc id. Parent
// is the hash of the rpc id above, 0 at the top.
type address struct {
	Trace  [16]byte
	RPC    uint64
	Parent uint64
}

const packedRow = 16 + 8 + 8 + 8 + 5*4 + 2

// pack appends a row as bytes for the sorter, whose key is the start.
func pack(dst []byte, a *address, r *row) []byte {
	dst = append(dst, a.Trace[:]...)
	for _, v := range [...]uint64{a.RPC, a.Parent, uint64(r.Duration)} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	for _, n := range [...]name{r.Caller, r.Callee, r.CallerPod, r.CalleePod, r.Interface} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return append(dst, byte(r.Kind), byte(r.Side))
}

func unpack(b []byte, start int64) (a address, r row) {
	_ = b[packedRow-1]
	copy(a.Trace[:], b)
	a.RPC, a.Parent = binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	r.Start, r.Duration = start, int64(binary.LittleEndian.Uint64(b[32:]))
	at := func(i int) name { return name(binary.LittleEndian.Uint32(b[40+4*i:])) }
	r.Caller, r.Callee, r.CallerPod, r.CalleePod, r.Interface = at(0), at(1), at(2), at(3), at(4)
	r.Kind, r.Side = kind(b[60]), side(b[61])
	return a, r
}

// traceID turns a trace's name into an id: 32 hexadecimal digits are taken as they
// are, anything else is hashed.
func traceID(field []byte) (id [16]byte) {
	if len(field) == 32 {
		if _, err := hex.Decode(id[:], field); err == nil && id != [16]byte{} {
			return id
		}
	}
	h := uint64(fnvOffset)
	g := uint64(fnvPrime)
	for _, c := range field {
		h = (h ^ uint64(c)) * fnvPrime
		g = (g + uint64(c)) * 0x9e3779b97f4a7c15
		g ^= g >> 29
	}
	binary.BigEndian.PutUint64(id[:], mix(h))
	binary.BigEndian.PutUint64(id[8:], mix(g))
	return id
}

// rpcID hashes a dotted rpc id and that of the call above it.
func rpcID(field []byte) (rpc, parent uint64) {
	if i := bytes.LastIndexByte(field, '.'); i >= 0 {
		parent = hash(field[:i])
	}
	return hash(field), parent
}

// maxMillis bounds times of a trace: ten years.
const maxMillis = 10 * 365 * 24 * 3600 * 1000

// parseMillis reads a time in milliseconds since the trace's start.
func parseMillis(field []byte) (int64, bool) {
	v, ok := parseNumber(field)
	return int64(v), ok && v >= 0 && v < maxMillis
}

// parseNumber reads a finite number.
func parseNumber(field []byte) (float64, bool) {
	if n := len(field); n > 0 && n < 16 { // most are plain integers
		v, i, negative := int64(0), 0, field[0] == '-'
		if negative {
			i++
		}
		for ; i < n && field[i] >= '0' && field[i] <= '9'; i++ {
			v = v*10 + int64(field[i]-'0')
		}
		if i == n && (n > 1 || !negative) {
			if negative {
				v = -v
			}
			return float64(v), true
		}
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(field), len(field)), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
