package ingest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// HeaderSource is the header of records that `presage rekey` writes: the Source as text,
// PARTITION/PARTITIONS/OFFSET/INDEX/HIGH/TIME.
const HeaderSource = "presage-source"

// Source says where a re-keyed record comes from, and how far that partition is.
type Source struct {
	Partition  int   // of the topic that was copied
	Partitions int   // how many that topic has; 0: the record is not a re-keyed one
	Offset     int64 // of the record there; -1: none was written yet
	// Index counts the parts of that record that went to the same partition. WholeRecord is
	// said by a heartbeat, which holds no spans: all parts up to here are written.
	Index int64
	// High is the partition's highest event time after that record, Unix nanoseconds.
	// NoTime: none yet, and in a heartbeat that nobody needs to wait for it. EndOfTime: the
	// partition said that nothing comes any more.
	High int64
	// Time is that of the record there, Unix nanoseconds, as it bounds event times; NoTime
	// in a heartbeat. The record itself has the time it was written at, or brokers would
	// remove at once what was copied after a long outage.
	Time int64
}

// The values of a Source that are no numbers in its text.
const (
	WholeRecord = math.MaxInt64
	NoTime      = math.MinInt64
	EndOfTime   = math.MaxInt64
)

const (
	// maxSourcePartitions is more than brokers bear of a topic, and bounds what a reader
	// keeps of them.
	maxSourcePartitions = 1 << 16
	latestHigh          = 1 << 62
	maxSourceText       = 100 // two numbers of five digits, four of nineteen, and what is between
)

// Heartbeat reports whether the record holds no spans, and only tells.
func (s *Source) Heartbeat() bool { return s.Partitions > 0 && s.Index == WholeRecord }

// AppendSource writes a Source as the header's value.
func AppendSource(dst []byte, s Source) []byte {
	dst = strconv.AppendInt(dst, int64(s.Partition), 10)
	dst = append(dst, '/')
	dst = strconv.AppendInt(dst, int64(s.Partitions), 10)
	dst = append(dst, '/')
	dst = strconv.AppendInt(dst, s.Offset, 10)
	dst = append(dst, '/')
	if s.Index == WholeRecord {
		dst = append(dst, "end/"...)
	} else {
		dst = append(strconv.AppendInt(dst, s.Index, 10), '/')
	}
	return appendTime(append(appendTime(dst, s.High), '/'), s.Time)
}

func appendTime(dst []byte, t int64) []byte {
	switch t {
	case NoTime:
		return append(dst, '-')
	case EndOfTime:
		return append(dst, "end"...)
	}
	return strconv.AppendInt(dst, t, 10)
}

// ParseSource reads the header's value. Only what AppendSource writes is taken.
func ParseSource(text []byte) (Source, error) {
	s, err := parseSource(text)
	if err != nil {
		return Source{}, fmt.Errorf("header %s is %q: %w", HeaderSource, text[:min(len(text), maxSourceText)], err)
	}
	return s, nil
}

func parseSource(text []byte) (s Source, err error) {
	if len(text) > maxSourceText {
		return s, fmt.Errorf("expected at most %d characters", maxSourceText)
	}
	words := strings.Split(string(text), "/")
	if len(words) != 6 {
		return s, errors.New("expected PARTITION/PARTITIONS/OFFSET/INDEX/HIGH/TIME")
	}
	var n [6]int64
	for i, w := range words {
		switch {
		case w == "end" && i >= 3:
			n[i] = EndOfTime // and WholeRecord
		case w == "-" && i >= 4:
			n[i] = NoTime
		default:
			if n[i], err = strconv.ParseInt(w, 10, 64); err != nil {
				return s, errors.New("expected PARTITION/PARTITIONS/OFFSET/INDEX/HIGH/TIME in decimal digits")
			}
		}
	}
	switch s = (Source{Offset: n[2], Index: n[3], High: n[4], Time: n[5]}); {
	case n[1] < 1 || n[1] > maxSourcePartitions || n[0] < 0 || n[0] >= n[1]:
		return s, fmt.Errorf("expected a partition below how many there are, at most %d", maxSourcePartitions)
	case s.Index < 0 || s.Offset < -1 || s.Offset == -1 && s.Index != WholeRecord || s.Offset == math.MaxInt64:
		return s, errors.New("expected an offset and an index of 0 or more, or an offset of -1 with the index end")
	case (s.High <= 0 || s.High >= latestHigh) && s.High != NoTime && s.High != EndOfTime:
		return s, errors.New("expected Unix nanoseconds, - or end")
	case (s.Time <= 0 || s.Time >= latestHigh) && s.Time != NoTime:
		return s, errors.New("expected Unix nanoseconds or -")
	}
	s.Partition, s.Partitions = int(n[0]), int(n[1])
	// Signs, leading zeros and the numbers that words stand for.
	if string(AppendSource(nil, s)) != string(text) {
		return s, errors.New("expected plain decimal digits")
	}
	return s, nil
}

// readSource reads the header of a re-keyed record, where there is one. The record's time is then that of its source.
func readSource(b *Batch, headers []Header) (err error) {
	for _, h := range headers {
		if h.Key != HeaderSource {
			continue
		}
		if b.Source.Partitions > 0 {
			return fmt.Errorf("header %s is there twice", HeaderSource)
		}
		if b.Source, err = ParseSource(h.Value); err != nil {
			return err
		}
		if b.Source.Time != NoTime {
			b.Time = b.Source.Time
		}
	}
	return nil
}
