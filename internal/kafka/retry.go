package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
	// impatience is how long an error is retried that may mean a broken topic.
	impatience = 60 * time.Second
	// impatientTries is how often such an error is tried at least.
	impatientTries = 5
	// refusals in a row are believed. Credentials that were good may be refused once by a broker that goes down.
	refusals = 3
)

// retrier paces the repetition of one request and says so in counters and log.
type retrier struct {
	client  *Client
	request request
	tries   int
	refused int // in a row
	since   time.Time
	logged  time.Time
}

// pause waits before the next try after err. It returns an error if there is to be
// none: err wrapped, or the context's.
func (r *retrier) pause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.client.conns.isClosed() {
		return fmt.Errorf("%s: %w (%w)", r.request, ErrClosed, err)
	}
	now := time.Now()
	if r.tries == 0 {
		r.since = now
	}
	r.tries++
	if last := r.last(ctx, err, now); last != nil {
		return last
	}
	r.client.stats.retry(r.request.operation)
	if now.Sub(r.logged) > 10*time.Second {
		r.logged = now
		r.client.log.Warn("kafka request failed, trying again", "request", r.request.String(), "tries", r.tries, "error", err)
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

// last is the error to give up with, nil where there is to be another try.
func (r *retrier) last(ctx context.Context, err error, now time.Time) error {
	var before *explained
	if errors.As(err, &before) && before.final {
		return err // a part of this request was tried in vain
	}
	verdict := judge(err)
	if verdict == refused {
		r.refused++
	} else {
		r.refused = 0
	}
	switch {
	case verdict == fatal, r.refused >= refusals:
		return r.giveUp(ctx, err)
	case verdict != impatient:
		return nil
	case r.tries == 2 && unseen(err):
		return r.hidden(ctx)
	case r.tries >= impatientTries && now.Sub(r.since) > impatience:
		return r.giveUp(ctx, fmt.Errorf("%d tries in %v: %w", r.tries, now.Sub(r.since).Round(time.Second), err))
	}
	return nil
}

// giveUp counts the failure and explains it.
func (r *retrier) giveUp(ctx context.Context, err error) error {
	r.client.stats.fail(r.request.operation)
	return &explained{text: r.client.explain(ctx, r.request, err).Error(), cause: err, final: true}
}

// hidden asks why a topic can't be seen: where the right to see it was taken away, the transport knows it no more, and
// only a question of its own is told the reason. A topic that is gone may come back.
func (r *retrier) hidden(ctx context.Context) error {
	res, err := r.client.askTopics(ctx, r.request.topics...)
	if err != nil {
		return nil //nolint:nilerr // the request itself is tried again, and will tell
	}
	for _, t := range res.Topics {
		if errors.Is(t.Error, kafkago.TopicAuthorizationFailed) {
			r.request.topics = []string{t.Name}
			return r.giveUp(ctx, t.Error)
		}
	}
	return nil
}

// reset is called after a success.
func (r *retrier) reset() { r.tries, r.refused = 0, 0 }
