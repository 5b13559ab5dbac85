package windower

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"presage/ingest"
)

// Copied says how far a partition of a topic that is being re-keyed was copied. It is the
// whole state of that, and its commit holds it.
type Copied struct {
	Next int64 // offset of the next record
	// High is the highest event time before it, as a Partition of that topic would have it:
	// ingest.NoTime before the first, ingest.EndOfTime after a final record.
	High int64
	// Targets is how many partitions of the re-keyed topic the records from Next on are split
	// by. A restart must split them as they were split before, whatever the topic has by then:
	// so a number is committed before anything is split by it.
	Targets int
}

// ResumeCopied gives the place where copying goes on, of what is stored; without it, or where
// the error is ErrMetadata, from the beginning. present is how many partitions the re-keyed
// topic has. Where fresh is set nothing may be split before the place is committed.
func ResumeCopied(stored Commit, ok bool, present int) (c Copied, fresh bool, err error) {
	if ok {
		if c, err = ParseCopied(stored); err == nil {
			return c, false, nil
		}
	}
	return Copied{High: never, Targets: present}, true, err
}

// Grow changes the number that records are split by, where the re-keyed topic has more
// partitions now: the place must be committed before the next one is split. began is where the
// partition ended when its present owner took it. Below that the last owner may have split
// more than it had committed, so that is split by the same number again.
func (c *Copied) Grow(present int, began int64) bool {
	if present <= c.Targets || c.Next < began {
		return false
	}
	c.Targets = present
	return true
}

// Take moves past a record. One that can't be decoded has its Position alone.
func (c *Copied) Take(b *ingest.Batch) {
	for i := range b.Spans {
		if t, ok := eventTime(&b.Spans[i], b.Time); ok && b.Spans[i].Service != "" {
			c.High = max(c.High, t)
		}
	}
	c.High, _ = marked(b, c.High)
	c.Next = b.Offset + 1
}

// Idle lets the event time of an idle partition rise to the given one, where it has begun
// and not ended.
func (c *Copied) Idle(to int64) {
	if c.High != never && c.High != ended && to < latestTime {
		c.High = max(c.High, to)
	}
}

// The metadata's layout is documented in docs/format/commit.md.
const copiedPrefix = "r1."

// Commit is what is to be stored once all that was read is written.
func (c Copied) Commit() Commit {
	fields := binary.AppendUvarint(binary.AppendVarint(nil, c.High), uint64(c.Targets))
	return Commit{Offset: c.Next, Metadata: seal(copiedPrefix, fields)}
}

// ParseCopied reads a stored commit. The error is ErrMetadata where the metadata can't be
// read: the partition must then be copied from its beginning.
func ParseCopied(c Commit) (Copied, error) {
	text, ok := strings.CutPrefix(c.Metadata, copiedPrefix)
	if !ok {
		return Copied{}, fmt.Errorf("%w: expected it to begin with %q, found %.16q", ErrMetadata, copiedPrefix, c.Metadata)
	}
	b, err := unseal(text, 2)
	if err != nil {
		return Copied{}, err
	}
	d := varints{rest: b}
	out := Copied{Next: c.Offset, High: d.next()}
	targets, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 || n < len(d.rest) || targets == 0 || targets > math.MaxInt32 {
		return Copied{}, fmt.Errorf("%w: expected an event time and a number of partitions, found %x", ErrMetadata, b)
	}
	out.Targets = int(targets)
	if out.Next < 0 || (out.High <= 0 || out.High >= latestTime) && out.High != never && out.High != ended {
		return Copied{}, fmt.Errorf("%w: event time %d ns before offset %d is none", ErrMetadata, out.High, out.Next)
	}
	return out, nil
}
