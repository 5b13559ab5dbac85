package calls

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"presage/replay/files"
)

// call is one row.
type call struct {
	number         int64 // of the row in the recording
	trace          [16]byte
	start, end     int64
	caller, callee int // numbers of services
	failed         bool
	cpu, memory    float64 // of the callee; NaN: not told
}

// tenYears after 1970 is taken for the start of a recording's own clock.
const tenYears = int64(10*365*24*3600) * 1e9

func (s *Source) parse(rows *files.Rows, fields [][]byte) (c call, ok bool) {
	o := &s.options
	bad := func(column string, at int) (call, bool) {
		rows.Bad(column, fields[at])
		return c, false
	}
	switch {
	case len(fields[atTrace]) == 0:
		return bad(o.Trace, atTrace)
	case len(fields[atCaller]) == 0:
		return bad(o.Caller, atCaller)
	case len(fields[atCallee]) == 0:
		return bad(o.Callee, atCallee)
	}
	if c.start, ok = nanos(fields[atStart], units[o.StartUnit]); !ok {
		return bad(o.Start, atStart)
	}
	if c.start < tenYears {
		c.start += o.Epoch.UnixNano()
	}
	latency, ok := nanos(fields[atLatency], units[o.LatencyUnit])
	if !ok {
		return bad(o.Latency, atLatency)
	}
	if c.end = c.start + latency; c.end < c.start || c.start <= 0 {
		rows.Skip(files.Malformed, fmt.Sprintf("a call from %d ns on that takes %d ns ends beyond what a time can be", c.start, latency))
		return c, false
	}
	if c.failed, ok = failed(fields[atStatus]); !ok {
		return bad(o.Status, atStatus)
	}
	if c.cpu, ok = number(fields[atCPU]); !ok {
		return bad(o.CPU, atCPU)
	}
	if c.memory, ok = number(fields[atMemory]); !ok {
		return bad(o.Memory, atMemory)
	}
	traceID(&c.trace, fields[atTrace])
	c.caller, c.callee = s.service(fields[atCaller]), s.service(fields[atCallee])
	return c, true
}

// nanos reads a number that is not negative, in the given unit; decimals are
// rounded to nanoseconds.
func nanos(field []byte, unit int64) (int64, bool) {
	field = bytes.TrimSpace(field)
	if v, err := strconv.ParseInt(string(field), 10, 64); err == nil {
		return v * unit, v >= 0 && v <= math.MaxInt64/unit
	}
	v, err := strconv.ParseFloat(string(field), 64)
	v *= float64(unit)
	if err != nil || !(v >= 0 && v < math.MaxInt64) {
		return 0, false
	}
	return int64(math.Round(v)), true
}

// failed reads a status: 5xx, and 0 for a call that got no answer. None is no failure.
func failed(field []byte) (failed, ok bool) {
	if len(field) == 0 {
		return false, true
	}
	v, err := strconv.Atoi(string(bytes.TrimSpace(field)))
	return v >= 500 || v <= 0, err == nil
}

func number(field []byte) (float64, bool) {
	if len(field) == 0 {
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(string(bytes.TrimSpace(field)), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// traceID reads 32 hex digits; of any other text it takes a hash.
func traceID(id *[16]byte, text []byte) {
	if len(text) == 32 {
		if _, err := hex.Decode(id[:], text); err == nil && *id != [16]byte{} {
			return
		}
	}
	sum := sha256.Sum256(text)
	copy(id[:], sum[:])
}

func (c *call) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.number))
	dst = append(dst, c.trace[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.start))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c.caller))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c.callee))
	failed := byte(0)
	if c.failed {
		failed = 1
	}
	dst = append(dst, failed)
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.cpu))
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.memory))
}

func decode(end int64, row []byte) call {
	c := call{
		number: int64(binary.LittleEndian.Uint64(row)),
		start:  int64(binary.LittleEndian.Uint64(row[24:])),
		end:    end,
		caller: int(binary.LittleEndian.Uint32(row[32:])),
		callee: int(binary.LittleEndian.Uint32(row[36:])),
		failed: row[40] == 1,
		cpu:    math.Float64frombits(binary.LittleEndian.Uint64(row[41:])),
		memory: math.Float64frombits(binary.LittleEndian.Uint64(row[49:])),
	}
	copy(c.trace[:], row[8:24])
	return c
}
