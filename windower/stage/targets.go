package stage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"presage/internal/kafka"
	"presage/windower"
)

const (
	// countEvery is how often the partitions of the re-keyed topic are counted.
	countEvery = 30 * time.Second
	// askAgain is how long a copier waits before it asks once more for what it can't believe, or was
	// not told; it does so askTries times at most.
	askAgain = 200 * time.Millisecond
	askTries = 10
	// longestLease is how long a copier relies on what told it that the partition is its own. The
	// brokers give the partition to nobody else within twice that.
	longestLease = 10 * time.Second
)

// targets are the partitions that a source partition is split over. The number that it is split by
// is in windower.Copied, and so in the commit.
type targets struct {
	present   int // how many the re-keyed topic has
	countedAt time.Time
	counted   bool  // since the partition was taken
	began     int64 // where the source partition ended when it was taken
	provenAt  time.Time
	unsure    bool // a commit was not answered, and may still be taken
}

// errUnsure ends a generation because the number that records are split by shall change while an
// earlier commit, with the old number, may still be on its way. The brokers refuse it once there is
// a new generation. It is ErrStale to the group, which then joins again.
var errUnsure = fmt.Errorf("a commit was not answered, and the re-keyed topic has grown: %w", kafka.ErrStale)

// ask counts the partitions of the re-keyed topic, of which there must be least. Fewer may be told
// by a broker that has not heard yet; where all say so the topic is another one.
func (s *rekeyStage) ask(ctx context.Context, least int) (n int, err error) {
	for range askTries {
		var counts []int
		n = 0
		if counts, err = s.Client.Partitions(ctx, s.to); err == nil {
			if n = counts[0]; n >= least {
				return n, nil
			}
			err = fmt.Errorf("topic %s has %d partitions, expected the %d that topic %s is split over: it was deleted and made anew; give it as many, "+
				"or delete consumer group %s so that all that is left in %s is copied again", s.to, n, least, s.from, RekeyGroup(s.from), s.from)
		}
		timer := time.NewTimer(askAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return 0, context.Cause(ctx)
		case <-timer.C:
		}
	}
	return n, err
}

// count counts the partitions of the re-keyed topic when it is time, and splits over new ones.
// Until then these are told how far the source is: they must not be waited for.
func (c *copier) count(ctx context.Context) error {
	now := c.Now()
	if now.Sub(c.countedAt) >= countEvery {
		c.countedAt = now
		n, err := c.ask(ctx, c.copied.Targets)
		switch {
		case err == nil:
			c.present, c.counted = max(c.present, n), true
			c.hear(c.present)
		case ctx.Err() != nil || n > 0:
			return err
		default:
			c.complaints.warn("count", "the partitions of the re-keyed topic can't be counted; it is tried again", "topic", c.to, "error", err)
		}
	}
	return c.grow(ctx)
}

// grow splits by the present number of partitions from here on. All that was split by the number
// before is acknowledged, and the commit is settled first: whoever takes the partition over must
// split by the new number what comes from here on, and nothing that came before.
func (c *copier) grow(ctx context.Context) error {
	next := c.written
	if !c.counted || !next.Grow(c.present, c.began) {
		return nil
	}
	if c.unsure {
		return errUnsure
	}
	before := c.written.Targets
	c.copied, c.written = next, next
	if err := c.settle(ctx); err != nil {
		return err
	}
	c.Log.Warn("the re-keyed topic has grown: from here on spans are split over all its partitions; calls of traces that straddle the change are cut",
		"topic", c.to, "partitions", next.Targets, "before", before, "source", c.assignment.Partition(), "offset", next.Next)
	return nil
}

// prove returns once it is sure that the partition was this copier's when it read last. Whoever has
// taken it since begins behind that, at least where he splits by another number: so nothing is
// written that was read beyond the place where he changes over.
func (c *copier) prove(ctx context.Context) error {
	lease := longestLease
	if c.SessionTimeout > 0 {
		lease = min(lease, c.SessionTimeout/2)
	}
	if c.Now().Sub(c.provenAt) < lease {
		return nil
	}
	c.stored = windower.Commit{} // it is made once more, also where it is the same
	return c.settle(ctx)
}

// settle commits what is written, and returns without an error only when the brokers hold that.
func (c *copier) settle(ctx context.Context) error {
	for {
		err := c.store(ctx)
		if err == nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		c.complaints.warn("settle", "the brokers did not take a commit in time; nothing is copied until they do", "error", err)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (c *copier) store(ctx context.Context) error {
	commit := c.written.Commit()
	if commit == c.stored {
		return nil
	}
	asked := c.Now()
	if err := c.assignment.Commit(ctx, kafka.Commit(commit)); err != nil {
		c.unsure = c.unsure || errors.Is(err, context.DeadlineExceeded)
		return err
	}
	c.stored, c.provenAt = commit, asked
	return nil
}
