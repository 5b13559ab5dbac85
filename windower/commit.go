package windower

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
)

// Commit is what is to be stored of a Partition: the offset from which a new
// machine must read, and what it must know besides, at most 1 KiB.
type Commit struct {
	Offset   int64
	Metadata string
}

// AllAcknowledged tells Commit that no emitted partial waits for its
// acknowledgement.
const AllAcknowledged = math.MaxInt64

// Resume is what a commit says.
type Resume struct {
	Offset      int64 // of the first record to read
	rekeyed     bool
	from        int64 // of the first record to apply; below it a re-keyed partition only listens to its sources
	fingerprint uint64
	high        int64 // highest event time before from
	first       int64 // lowest slice whose partial was not acknowledged
	reached     int64 // offset below which losses and dead letters are written
	advances    []advance
}

// Commit gives what may be stored now. unacknowledged is the lowest Index among
// emitted partials that are not yet acknowledged, or AllAcknowledged.
func (p *Partition) Commit(unacknowledged int64) Commit {
	if p.rebuilding() {
		return p.resume.commit()
	}
	first := max(p.resume.first, min(unacknowledged, p.times.firstOpen(p.high)))
	s := p.rewind.start(first, step{offset: p.next, before: p.high, since: p.since(p.next)})
	p.advances = slices.DeleteFunc(p.advances, func(a advance) bool { return a.offset < s.offset })
	r := Resume{
		Offset: s.since, rekeyed: p.sources != nil, from: s.offset, fingerprint: p.cfg.Fingerprint,
		high: s.before, first: first, reached: p.next, advances: p.advances,
	}
	return r.commit()
}

// rebuilding: the machine is not yet where the last one was.
func (p *Partition) rebuilding() bool { return len(p.pending) > 0 || p.next < p.resume.reached }

// The metadata's layout is documented in docs/format/commit.md.
const (
	metadataPrefix = "p1."
	rekeyedPrefix  = "p2." // with one field more
)

var metadataEncoding = base64.RawURLEncoding

func (r *Resume) commit() Commit {
	b := binary.BigEndian.AppendUint64(nil, r.fingerprint)
	b = binary.AppendVarint(b, r.high)
	b = binary.AppendVarint(b, r.first)
	b = binary.AppendVarint(b, r.reached)
	prefix := metadataPrefix
	if r.rekeyed {
		b = binary.AppendVarint(b, r.from)
		prefix = rekeyedPrefix
	}
	b = binary.AppendUvarint(b, uint64(len(r.advances)))
	for _, a := range r.advances {
		b = binary.AppendVarint(b, a.offset)
		b = binary.AppendVarint(b, a.to)
	}
	return Commit{Offset: r.Offset, Metadata: seal(prefix, b)}
}

// seal makes metadata of fields: they get a checksum behind them.
func seal(prefix string, fields []byte) string {
	return prefix + metadataEncoding.EncodeToString(binary.BigEndian.AppendUint32(fields, crc32.ChecksumIEEE(fields)))
}

// unseal gives the fields back, of metadata less its prefix. There are at least so many bytes of them.
func unseal(text string, least int) ([]byte, error) {
	b, err := metadataEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	n := len(b) - crc32.Size
	if n < least || crc32.ChecksumIEEE(b[:n]) != binary.BigEndian.Uint32(b[n:]) {
		return nil, fmt.Errorf("%w: wrong checksum over %d bytes", ErrMetadata, len(b))
	}
	return b[:n], nil
}

// ErrMetadata marks commit metadata that can't be read.
var ErrMetadata = errors.New("commit metadata can't be read")

// ParseCommit reads a stored commit. The error is ErrMetadata where the metadata
// was cut, changed, or written by something else: the partition must then be read
// from its beginning, without Resume.
func ParseCommit(c Commit) (*Resume, error) {
	text, rekeyed := strings.CutPrefix(c.Metadata, rekeyedPrefix)
	if !rekeyed {
		var ok bool
		if text, ok = strings.CutPrefix(c.Metadata, metadataPrefix); !ok {
			return nil, fmt.Errorf("%w: expected it to begin with %q or %q, found %.16q", ErrMetadata, metadataPrefix, rekeyedPrefix, c.Metadata)
		}
	}
	b, err := unseal(text, 8)
	if err != nil {
		return nil, err
	}
	r, err := parseResume(c.Offset, rekeyed, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	return r, nil
}

// parseResume reads the fields under the checksum and checks that a machine can
// have written them.
func parseResume(offset int64, rekeyed bool, b []byte) (*Resume, error) {
	r := &Resume{Offset: offset, rekeyed: rekeyed, from: offset, fingerprint: binary.BigEndian.Uint64(b)}
	d := varints{rest: b[8:]}
	r.high, r.first, r.reached = d.next(), d.next(), d.next()
	if rekeyed {
		r.from = d.next()
	}
	n, used := binary.Uvarint(d.rest)
	if d.bad || used <= 0 || n > maxAdvances {
		return nil, fmt.Errorf("expected at most %d advances, found %d", maxAdvances, n)
	}
	d.rest = d.rest[used:]
	for range n {
		r.advances = append(r.advances, advance{d.next(), d.next()})
	}
	if d.bad || len(d.rest) > 0 {
		return nil, errors.New("fields are cut, or more than expected")
	}
	if offset < 0 || r.from < offset || r.reached < r.from {
		return nil, fmt.Errorf("offset %d isn't from 0 to the offsets %d to apply from and %d that was reached", offset, r.from, r.reached)
	}
	times, last := []int64{r.high}, offset-1
	for _, a := range r.advances {
		if a.offset <= last || a.offset > r.reached {
			return nil, fmt.Errorf("advances at offset %d, then %d, don't lie between the offsets %d and %d", last, a.offset, offset, r.reached)
		}
		times, last = append(times, a.to), a.offset
	}
	for i, t := range times {
		if (t <= 0 || t >= latestTime) && (i > 0 || t != never && t != ended) {
			return nil, fmt.Errorf("event time %d ns is none", t)
		}
	}
	return r, nil
}

// varints reads signed numbers until one can't be read.
type varints struct {
	rest []byte
	bad  bool
}

func (d *varints) next() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}
