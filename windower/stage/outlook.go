package stage

import (
	"context"
	"math"
	"sync"
	"time"

	"presage/ingest"
	"presage/internal/kafka"
	"presage/windower"
)

const (
	// lookEvery is how often a re-keyer looks where the others are.
	lookEvery = 2 * time.Second
	// hungAfter is how long a partition may not be readable, or another's place may stay as it is
	// with records to read, before nobody waits for it any more.
	hungAfter = time.Minute
	// lookFor is how long a re-keyer tries to learn where the partitions end.
	lookFor = 5 * time.Second
)

// outlook keeps the source partitions of this process from leading those of others by more
// than half of what windowers wait for: after an outage a fast process would else make late
// what a slow one has still to copy. Where the others are is in their commits.
type outlook struct {
	group, topic string
	client       *kafka.Client
	now          func() time.Time
	gate         *gate

	mu     sync.Mutex
	owned  map[int]bool   // partitions of this process
	others map[int]*other // of the rest
}

// other is the partition of another process.
type other struct {
	member *member
	commit kafka.Commit
	since  time.Time // when the commit was seen first
}

func newOutlook(o *Options, topic string) *outlook {
	lead := max(windower.DefaultSourceLead, 10*o.Graph.Width.Nanoseconds()) / 2
	return &outlook{
		group: RekeyGroup(topic), topic: topic, client: o.Client, now: o.Now,
		gate: newGate(lead, o.Now), owned: map[int]bool{}, others: map[int]*other{},
	}
}

// join adds a partition of this process.
func (l *outlook) join(partition int) *member {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owned[partition] = true
	l.drop(partition)
	return l.gate.join()
}

func (l *outlook) leave(partition int, m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.owned, partition)
	l.gate.leave(m)
}

// drop forgets another's partition.
func (l *outlook) drop(partition int) {
	if o := l.others[partition]; o != nil {
		l.gate.leave(o.member)
		delete(l.others, partition)
	}
}

// run looks until ctx ends. What can't be seen leaves the picture as it was.
func (l *outlook) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ends, err := l.ends(ctx)
		if err != nil || l.ownsAll(len(ends)) {
			continue
		}
		if commits, err := l.client.Committed(ctx, l.group, l.topic); err == nil {
			l.look(commits, ends)
		}
	}
}

// ends tells what there is to read. Where one partition can't be asked, as its leader is gone, there
// may be something in each: then only their commits tell that the others go on.
func (l *outlook) ends(ctx context.Context) ([]kafka.Range, error) {
	asking, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	ends, err := l.client.Ends(asking, l.topic)
	if err == nil || ctx.Err() != nil {
		return ends, err
	}
	counts, err := l.client.Partitions(ctx, l.topic)
	if err != nil {
		return nil, err
	}
	ends = make([]kafka.Range, counts[0])
	for p := range ends {
		ends[p].End = math.MaxInt64
	}
	return ends, nil
}

// ownsAll: there are no others, or nothing here that could lead them.
func (l *outlook) ownsAll(partitions int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.owned) == 0 || len(l.owned) >= partitions
}

// look takes what all have committed, and what there is to read.
func (l *outlook) look(commits map[int]kafka.Commit, ends []kafka.Range) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, end := range ends {
		if l.owned[p] {
			continue
		}
		o := l.others[p]
		if o == nil {
			o = &other{member: l.gate.join(), since: now}
			l.others[p] = o
		}
		if commits[p] != o.commit {
			o.commit, o.since = commits[p], now
		}
		high, next := int64(math.MinInt64), end.First
		if copied, err := windower.ParseCopied(windower.Commit(o.commit)); err == nil {
			high, next = copied.High, max(next, copied.Next)
		}
		done := next >= end.End || high == ingest.EndOfTime || now.Sub(o.since) >= hungAfter
		l.gate.move(o.member, high, done)
	}
}
