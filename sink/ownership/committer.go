package ownership

import (
	"context"
	"errors"
	"time"

	"presage/internal/kafka"
)

// committer stores how far a partition's forecasters are.
type committer struct {
	*share
	partition  *partition
	assignment kafka.Assignment
	stored     int64
}

// loop commits now and then until ctx ends, which is no error.
func (c *committer) loop(ctx context.Context) error {
	tick := time.NewTicker(c.CommitInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.commit(ctx); err != nil {
				return err
			}
		}
	}
}

// commit stores the place. It never goes back: a forecaster that takes over works on
// older slices again, which are forecast already. A commit that the brokers do not take in time is tried again.
func (c *committer) commit(ctx context.Context) error {
	c.Metrics.progress(c.partition)
	next, end, ok := c.partition.place()
	madeAnew := c.stored > end
	if !ok || next <= c.stored && !madeAnew {
		return nil
	}
	err := c.assignment.Commit(ctx, kafka.Commit{Offset: next})
	if errors.Is(err, context.DeadlineExceeded) {
		c.Log.Warn("the brokers did not take a commit in time; it is tried again", "group", Group(c.Topic, c.Graphs),
			"topic", c.Topic, "partition", c.partition.id, "offset", next, "error", err)
		return nil
	}
	if err == nil {
		c.stored = next
	}
	return err
}
