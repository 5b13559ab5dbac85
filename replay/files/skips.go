package files

import (
	"fmt"
	"maps"
)

// Reasons for which rows are left out, of any format.
const (
	Malformed = "malformed_row" // wrong number of fields, or a field that can't be read
	LateRow   = "late_row"      // emitted all the same, but after later ones
)

// Sample is a row that was left out, to be logged.
type Sample struct {
	Reason string
	File   string
	Line   int
	Detail string
}

// String is the sample as one line of a log.
func (s Sample) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", s.File, s.Line, s.Reason, s.Detail)
}

// Of every reason the first few are kept as samples, then one in sampleEvery;
// at most sampleKept wait to be taken.
const (
	sampleFirst = 3
	sampleEvery = 100_000
	sampleKept  = 32
)

// Skips counts rows that were left out or mended, by reason. The zero value is
// ready. It is for one goroutine.
type Skips struct {
	counts  map[string]int64
	samples []Sample
}

// Add counts a row. The detail is made only for the rows that are kept as samples.
func (s *Skips) Add(reason, file string, line int, detail func() string) {
	n := s.Count(reason, 1)
	if (n <= sampleFirst || n%sampleEvery == 0) && len(s.samples) < sampleKept {
		s.samples = append(s.samples, Sample{reason, file, line, detail()})
	}
}

// Count adds n without a sample and returns the sum.
func (s *Skips) Count(reason string, n int64) int64 {
	if s.counts == nil {
		s.counts = make(map[string]int64)
	}
	s.counts[reason] += n
	return s.counts[reason]
}

// Counts are a copy of the counts by reason.
func (s *Skips) Counts() map[string]int64 { return maps.Clone(s.counts) }

// TakeSamples returns the samples kept since the last call.
func (s *Skips) TakeSamples() []Sample {
	taken := s.samples
	s.samples = nil
	return taken
}
