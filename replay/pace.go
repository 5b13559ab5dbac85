package replay

import (
	"context"
	"fmt"
	"time"
)

// farAhead is how far a recording's first item may lie ahead of the wall clock.
const farAhead = time.Minute

// pace says when an event time is due. Event time never runs ahead of the wall
// clock: at full speed an item of the future waits until it is the present.
type pace struct {
	clock   Clock
	speed   float64
	started bool
	wall    int64 // wall time and event time at the start
	event   int64
	known   int64 // a wall time that has passed
}

// wait is how long to wait until at is due; zero if it is.
func (p *pace) wait(at int64) time.Duration {
	if p.started && p.speed <= 0 && at <= p.known {
		return 0
	}
	p.known = p.clock.Now().UnixNano()
	if !p.started {
		p.started, p.wall, p.event = true, p.known, at
	}
	due := at
	if p.speed > 0 {
		due = max(due, p.wall+int64(float64(at-p.event)/p.speed))
	}
	return max(0, time.Duration(due-p.known))
}

// sleep waits for a time, or until stop is closed.
func (p *pace) sleep(ctx context.Context, d time.Duration, stop <-chan struct{}) error {
	select {
	case <-p.clock.After(d):
		return nil
	case <-stop:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// check refuses a recording whose clock is ahead of the wall clock.
func (p *pace) check(first int64) error {
	if ahead := time.Duration(first - p.clock.Now().UnixNano()); ahead > farAhead {
		return fmt.Errorf("the recording starts at %s, %s ahead of the clock: rebase it to now, or give an earlier epoch",
			time.Unix(0, first).UTC().Format(time.RFC3339), ahead.Round(time.Second))
	}
	return nil
}
