package stage

import (
	"math"
	"slices"

	"presage/windower"
	"presage/windower/slice"
)

// reasonGap is of partials left out after a gap.
const reasonGap windower.Reason = "gap"

// segmentGap is how many slices must be missing so that the assembler begins a segment
// with the next one instead of taking those between for empty.
const segmentGap = 7

// gap is what follows when retention has removed partials before they were read, after
// an outage longer than the topic's retention. Nobody can tell which shares of a slice
// were among them, so slices are left out until every partition of the spans topics has
// been heard from and has passed all that may be torn: what is marked complete is.
type gap struct {
	width int64
	spans []string
	after int64 // newest slice that was written before, math.MinInt64 if none
	heard map[slice.Source]*heard
	sizes map[string]int // partitions of each topic
	known bool           // begin is set
	begin int64          // the first slice that is whole
}

// heard is what a partition has told since the gap.
type heard struct {
	from      int64 // no row of this slice, or of later ones, was left out
	watermark int64
}

func newGap(width int64, spanTopics []string, after int64) *gap {
	return &gap{width: width, spans: spanTopics, after: after, heard: map[slice.Source]*heard{}, sizes: map[string]int{}}
}

// skip takes a partial's header and tells whether its rows must be left out.
func (g *gap) skip(p *slice.Partial) bool {
	g.sizes[p.Source.Topic] = max(g.sizes[p.Source.Topic], p.Partitions)
	h := g.heard[p.Source]
	if h == nil {
		h = &heard{from: math.MinInt64, watermark: math.MinInt64}
		g.heard[p.Source] = h
		if p.Empty() && p.Watermark != math.MinInt64 && p.Watermark != math.MaxInt64 {
			h.from = p.Watermark/g.width + 1
		}
	}
	h.watermark = max(h.watermark, p.Watermark)
	if p.Watermark == math.MinInt64 {
		h.watermark = math.MaxInt64 // it was never written to: nobody waits for it
	}
	if !g.known {
		if !p.Empty() {
			h.from = max(h.from, p.Index+1)
		}
		g.settle()
		return true
	}
	return p.Index < g.begin
}

// settle sets begin once every partition of the spans has been heard from.
func (g *gap) settle() {
	if !g.complete() {
		return
	}
	g.known, g.begin = true, math.MinInt64
	if g.after != math.MinInt64 {
		g.begin = g.after + segmentGap
	}
	for _, h := range g.heard {
		g.begin = max(g.begin, h.from)
	}
}

// passed: all partitions of the spans are beyond what is left out, so that a restart
// would not meet the gap's slices any more.
func (g *gap) passed() bool {
	for source, h := range g.heard {
		if slices.Contains(g.spans, source.Topic) && h.watermark/g.width < g.begin {
			return false
		}
	}
	return g.known
}

// complete: every partition of the spans has been heard from.
func (g *gap) complete() bool {
	for _, topic := range g.spans {
		n := g.sizes[topic]
		if n == 0 {
			return false
		}
		for p := range n {
			if g.heard[slice.Source{Topic: topic, Partition: p}] == nil {
				return false
			}
		}
	}
	return true
}
