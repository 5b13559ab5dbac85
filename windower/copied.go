package windower

import (
	"encoding/binary"
	"fmt"
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
	return Commit{Offset: c.Next, Metadata: seal(copiedPrefix, binary.AppendVarint(nil, c.High))}
}

// ParseCopied reads a stored commit. The error is ErrMetadata where the metadata can't be
// read: the partition must then be copied from its beginning.
func ParseCopied(c Commit) (Copied, error) {
	text, ok := strings.CutPrefix(c.Metadata, copiedPrefix)
	if !ok {
		return Copied{}, fmt.Errorf("%w: expected it to begin with %q, found %.16q", ErrMetadata, copiedPrefix, c.Metadata)
	}
	b, err := unseal(text, 1)
	if err != nil {
		return Copied{}, err
	}
	d := varints{rest: b}
	out := Copied{Next: c.Offset, High: d.next()}
	if d.bad || len(d.rest) > 0 || out.Next < 0 || (out.High <= 0 || out.High >= latestTime) && out.High != never && out.High != ended {
		return Copied{}, fmt.Errorf("%w: event time %d ns before offset %d is none, or more follows", ErrMetadata, out.High, out.Next)
	}
	return out, nil
}
