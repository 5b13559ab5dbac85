package windower

import (
	"cmp"
	"math"
	"slices"

	"presage/windower/slice"
)

// topic is what is known of a topic's partitions.
type topic struct {
	name    string
	metrics bool
	sources []source // as many as the headers name; none while unknown
}

// source is how far one partition has come.
type source struct {
	heard     bool
	watermark int64
	offset    int64 // of the chunk that said so last: a restart must read it again
}

// hear takes what a partial's header tells, once all chunks of it are there.
func (t *topic) hear(offset int64, h *slice.Header) {
	for len(t.sources) < h.Partitions {
		t.sources = append(t.sources, source{watermark: never})
	}
	s := &t.sources[h.Source.Partition]
	if !s.heard || h.Watermark >= s.watermark {
		s.heard, s.watermark, s.offset = true, h.Watermark, offset
	}
}

// through is the lowest slice that the partition hasn't passed. A partition that
// was announced empty is not waited for.
func (s *source) through(width int64) int64 {
	switch {
	case !s.heard:
		return math.MinInt64
	case s.watermark == never:
		return math.MaxInt64
	}
	return floorDiv(s.watermark, width)
}

// through is the lowest slice that some partition of the topic hasn't passed.
func (t *topic) through(width int64) int64 {
	if len(t.sources) == 0 {
		return math.MinInt64
	}
	least := int64(math.MaxInt64)
	for i := range t.sources {
		least = min(least, t.sources[i].through(width))
	}
	return least
}

// shares are the partials of one slice.
type shares struct {
	offset int64 // of the first chunk
	of     map[slice.Source]*share
}

func newShares() *shares {
	return &shares{offset: math.MaxInt64, of: map[slice.Source]*share{}}
}

// share is one partition's: whole once all chunks are there, until then the sets
// of chunks that have begun. Two writers of one partition, of which one is about to
// be fenced, may mix their chunks; the set that is complete first in the log wins.
type share struct {
	whole *slice.Partial
	sets  map[setKey]*chunkSet
}

type setKey struct {
	chunks    int
	watermark int64
}

type chunkSet struct {
	first  int64 // lowest offset
	have   int
	chunks []*slice.Partial
}

// add takes a chunk. first is the offset of the first chunk of its set if the
// set is complete now, or was before, else -1; news is false if nothing was missing.
func (s *shares) add(offset int64, p *slice.Partial, i, n int) (first int64, news bool) {
	s.offset = min(s.offset, offset)
	sh := s.of[p.Source]
	if sh == nil {
		sh = &share{sets: map[setKey]*chunkSet{}}
		s.of[p.Source] = sh
	}
	if sh.whole != nil {
		return offset, false
	}
	k := setKey{n, p.Watermark}
	set := sh.sets[k]
	if set == nil {
		set = &chunkSet{first: offset, chunks: make([]*slice.Partial, n)}
		sh.sets[k] = set
	}
	if set.chunks[i] != nil {
		return -1, false
	}
	set.chunks[i] = p
	if set.have++; set.have < n {
		return -1, true
	}
	// The chunks agree on graph, fingerprint, width and slice: that was checked.
	sh.whole, _ = slice.MergePartials(set.chunks)
	sh.sets = nil
	return set.first, true
}

// wholes lists the complete shares in the order of their sources.
func (s *shares) wholes() []*slice.Partial {
	var ps []*slice.Partial
	for _, sh := range s.of {
		if sh.whole != nil {
			ps = append(ps, sh.whole)
		}
	}
	slices.SortFunc(ps, func(a, b *slice.Partial) int { return compareSources(a.Source, b.Source) })
	return ps
}

func compareSources(a, b slice.Source) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}
