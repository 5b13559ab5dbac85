package chaos

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"presage/windower/slice"
	"presage/windower/stage"
)

const stamped = `^time=(\S+) .*msg="?`

var (
	// advanceLine is a windower's word that an advance of an idle partition is committed.
	advanceLine = regexp.MustCompile(stamped + regexp.QuoteMeta(stage.AdvanceMessage) + `"? graph=\S+ topic=(\S+) partition=(\d+) offset=(\d+) to=(\d+)`)
	// afreshLine is its word that it could not read a commit, and so knows none of the advances that were in it.
	afreshLine = regexp.MustCompile(stamped + regexp.QuoteMeta(stage.AfreshMessage) + `"? graph=\S+ topic=(\S+) partition=(\d+) `)
)

// told is what the processes' logs tell of advances.
type told struct {
	advances []toldAdvance
	afresh   []afresh
}

type toldAdvance struct {
	time       time.Time
	source     slice.Source
	offset, to int64
}

// afresh is a partition that was read from its beginning, without the advances that were told before.
type afresh struct {
	source slice.Source
	time   time.Time
}

// told reads the processes' logs.
func (w *world) told() (t told, err error) {
	logs, err := filepath.Glob(filepath.Join(w.Dir, "*.log"))
	if err != nil {
		return t, err
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			return t, fmt.Errorf("read advances: %w", err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if err := t.line(lines.Bytes()); err != nil {
				return t, fmt.Errorf("read advances in %s: %w", path, err)
			}
		}
		if err := lines.Err(); err != nil {
			return t, fmt.Errorf("read advances in %s: %w", path, err)
		}
	}
	return t, nil
}

func (t *told) line(line []byte) error {
	m := advanceLine.FindSubmatch(line)
	advance := m != nil
	if !advance {
		if m = afreshLine.FindSubmatch(line); m == nil {
			return nil
		}
	}
	at, err := time.Parse(time.RFC3339Nano, string(m[1]))
	if err != nil {
		return err
	}
	var n [3]int64 // partition; of an advance offset, to
	for i, digits := range m[3:] {
		if n[i], err = strconv.ParseInt(string(digits), 10, 64); err != nil {
			return err
		}
	}
	s := slice.Source{Topic: string(m[2]), Partition: int(n[0])}
	if advance {
		t.advances = append(t.advances, toldAdvance{time: at, source: s, offset: n[1], to: n[2]})
	} else {
		t.afresh = append(t.afresh, afresh{source: s, time: at})
	}
	return nil
}

// committed are the advances of all partitions: the last one of each place, as a partition may go on several times before the
// next record comes. Of one that was read afresh only those since then count.
func (t *told) committed(of afresh) map[slice.Source]map[int64]int64 {
	out := map[slice.Source]map[int64]int64{}
	for _, a := range t.advances {
		if a.source == of.source && a.time.Before(of.time) {
			continue
		}
		if out[a.source] == nil {
			out[a.source] = map[int64]int64{}
		}
		out[a.source][a.offset] = max(out[a.source][a.offset], a.to)
	}
	return out
}

// forgot tells whether a partition that was read afresh had advanced before.
func (t *told) forgot(of afresh) bool {
	for _, a := range t.advances {
		if a.source == of.source && a.time.Before(of.time) {
			return true
		}
	}
	return false
}
