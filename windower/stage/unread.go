package stage

import (
	"context"
	"errors"
	"strconv"
	"time"

	"presage/internal/kafka"
)

// unreadAfter is how long a partition fails to be read before its owner does its other chores.
const unreadAfter = 5 * time.Second

// eye reads a partition, and lets those who wait for it at the gates know where it can't. It is for
// one goroutine.
type eye struct {
	*Options
	assignment kafka.Assignment
	complaints *complaints
	places     []place
	blind      bool // the log says that the partition can't be read
}

// place is one of the partition's memberships.
type place struct {
	gate   *gate
	member *member
}

// fetch reads once. ok is false where the partition can't be read for now, and nothing came.
func (e *eye) fetch(ctx context.Context) (records []kafka.Record, end int64, ok bool, err error) {
	for _, p := range e.places {
		p.gate.ask(p.member)
	}
	records, end, err = e.assignment.Fetch(ctx)
	since, passed := e.places[0].gate.hung(e.places[0].member)
	labels := []string{e.Graph.Name, e.assignment.Topic(), strconv.Itoa(e.assignment.Partition())}
	if errors.Is(err, kafka.ErrUnread) {
		e.Metrics.unread.WithLabelValues(labels...).Set(since.Seconds())
		if since >= hungAfter && !e.blind {
			e.blind = true
			what := "the other partitions of this process go on without it until it can"
			if !passed {
				what = "the other partitions of this process wait for it, as no slice is closed without it"
			}
			e.complaints.warn("unread", "the partition can't be read: "+what, "for", since.Round(time.Second), "error", err)
		}
		return nil, 0, false, nil
	}
	if err != nil {
		return nil, 0, false, err
	}
	for _, p := range e.places {
		p.gate.answered(p.member)
	}
	if e.blind {
		e.blind = false
		e.complaints.log.Info("the partition can be read again", "after", since.Round(time.Second))
	}
	e.Metrics.unread.WithLabelValues(labels...).Set(0)
	return records, end, true, nil
}
