package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
	// impatience is how long an error is retried that may mean a broken topic.
	impatience = 60 * time.Second
	// impatientTries is how often such an error is tried at least.
	impatientTries = 5
)

// retrier paces the repetition of one operation and says so in counters and log.
type retrier struct {
	client    *Client
	operation string // a label: fetch, produce, commit, …
	where     string // topic/partition or group, for log and errors
	tries     int
	since     time.Time
	logged    time.Time
}

// pause waits before the next try after err. It returns an error if there is to be
// none: err wrapped, or the context's.
func (r *retrier) pause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.client.conns.isClosed() {
		return fmt.Errorf("%s %s: %w (%w)", r.operation, r.where, ErrClosed, err)
	}
	now := time.Now()
	if r.tries == 0 {
		r.since = now
	}
	r.tries++
	switch judge(err) {
	case fatal:
		return r.wrap(ctx, err)
	case impatient:
		if r.tries >= impatientTries && now.Sub(r.since) > impatience {
			return fmt.Errorf("gave up after %d tries in %v: %w", r.tries, now.Sub(r.since).Round(time.Second), r.wrap(ctx, err))
		}
	}
	r.client.stats.retry(r.operation)
	if now.Sub(r.logged) > 10*time.Second {
		r.logged = now
		r.client.log.Warn("kafka request failed, trying again", "operation", r.operation, "where", r.where,
			"tries", r.tries, "error", err)
	}
	wait := min(firstPause<<min(r.tries-1, 10), longPause)
	timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (r *retrier) wrap(ctx context.Context, err error) error {
	return fmt.Errorf("%s %s (Kafka at %s): %s: %w", r.operation, r.where, r.client.brokers(), r.client.reason(ctx, err), err)
}

// reset is called after a success.
func (r *retrier) reset() { r.tries = 0 }
