package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// GroupConfig says which topics to read and in which consumer group.
type GroupConfig struct {
	ID     string
	Topics []string // must exist
	Fetch  FetchConfig
	// SessionTimeout is how long the brokers wait for a heartbeat before they give
	// the partitions to others; 0 means 20 s. Heartbeats go out six times as often.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the brokers wait for all members to come to a new
	// generation; 0 means 30 s.
	RebalanceTimeout time.Duration
	// WatchInterval is how often topics are checked for new partitions, which are
	// read from their beginning; 0 means 5 s.
	WatchInterval time.Duration
	// OnRebalance, where set, is told of each generation before its functions start.
	OnRebalance func(Generation)
}

// Generation is one distribution of the partitions over the members.
type Generation struct {
	ID    int32
	Owned map[string][]int // topic → this member's partitions
}

// leaveGrace is how long a member that ends waits for the group's protocol before it
// cuts the connection. A join can take as long as the slowest other member.
const leaveGrace = time.Second

// RunGroup reads topics as a member of a consumer group until ctx ends, which is no
// error. In every generation it calls fn once for each partition that this member
// owns, each in a goroutine of its own.
//
// fn's ctx ends with the generation or with RunGroup's; fn must then return within
// seconds, after it has committed what it can: heartbeats have stopped, and no member
// gets the partitions before all have returned. fn may return nil early; the partition
// stays owned. An error of fn ends the group with that error, unless it comes of the
// end of ctx or wraps ErrStale.
func (c *Client) RunGroup(ctx context.Context, cfg GroupConfig, fn func(ctx context.Context, a Assignment) error) error {
	cfg = cfg.withDefaults()
	if _, err := c.Partitions(ctx, cfg.Topics...); err != nil {
		return err
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conns := newConnSet(c.cfg.DialTimeout)
	g := &group{client: c, cfg: cfg, fn: fn, cancel: cancel, balancer: &stickyBalancer{}}
	members, err := kafkago.NewConsumerGroup(cfg.consumerGroup(c, conns, g.balancer))
	if err != nil {
		return fmt.Errorf("consumer group %s: %w", cfg.ID, err)
	}
	g.members = members
	err = g.loop(inner)
	cancel(err)
	g.leave(conns)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("consumer group %s: %w", cfg.ID, err)
}

func (cfg GroupConfig) withDefaults() GroupConfig {
	defaults := []struct {
		value *time.Duration
		is    time.Duration
	}{
		{&cfg.SessionTimeout, 20 * time.Second},
		{&cfg.RebalanceTimeout, 30 * time.Second},
		{&cfg.WatchInterval, 5 * time.Second},
	}
	for _, d := range defaults {
		if *d.value <= 0 {
			*d.value = d.is
		}
	}
	cfg.Fetch = cfg.Fetch.withDefaults()
	return cfg
}

func (cfg GroupConfig) consumerGroup(c *Client, conns *connSet, balancer kafkago.GroupBalancer) kafkago.ConsumerGroupConfig {
	return kafkago.ConsumerGroupConfig{
		ID:      cfg.ID,
		Brokers: c.cfg.Brokers,
		Topics:  cfg.Topics,
		Dialer: &kafkago.Dialer{
			ClientID: c.cfg.ClientID, DialFunc: conns.dial, Timeout: c.cfg.DialTimeout,
			TLS: c.tls, SASLMechanism: c.mechanism,
		},
		GroupBalancers:         []kafkago.GroupBalancer{balancer},
		HeartbeatInterval:      cfg.SessionTimeout / 6,
		SessionTimeout:         cfg.SessionTimeout,
		RebalanceTimeout:       cfg.RebalanceTimeout,
		JoinGroupBackoff:       time.Second,
		WatchPartitionChanges:  true,
		PartitionWatchInterval: cfg.WatchInterval,
		StartOffset:            kafkago.FirstOffset,
	}
}

// group is one membership, for the length of RunGroup.
type group struct {
	client   *Client
	cfg      GroupConfig
	fn       func(context.Context, Assignment) error
	cancel   context.CancelCauseFunc // ends the membership with an error of fn
	balancer *stickyBalancer
	members  *kafkago.ConsumerGroup
	memberID string // of the last generation
	running  sync.WaitGroup
}

// loop takes generation after generation. It returns why there is no next one.
func (g *group) loop(ctx context.Context) error {
	retry := retrier{client: g.client, request: about(opJoin, g.cfg.Topics...).in(g.cfg.ID)}
	for {
		gen, err := g.members.Next(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			err = g.begin(ctx, gen)
			if err == nil {
				retry.reset()
				continue
			}
			// Ends the generation, so that a new one is tried.
			gen.Start(func(context.Context) {})
		}
		if errors.Is(err, kafkago.RebalanceInProgress) {
			continue // the brokers set the pace
		}
		if err := retry.pause(ctx, err); err != nil {
			return err
		}
	}
}

// begin starts fn for every partition of the generation.
func (g *group) begin(ctx context.Context, gen *kafkago.Generation) error {
	started := time.Now()
	assignments, err := g.assignments(ctx, gen)
	if err != nil {
		return err
	}
	owned := map[string][]int{}
	for _, a := range assignments {
		owned[a.topic] = append(owned[a.topic], a.partition)
	}
	g.memberID = gen.MemberID
	g.balancer.own(gen.ID, owned)
	g.client.stats.rebalances.Add(1)
	g.client.log.Info("kafka partitions assigned", "group", g.cfg.ID, "generation", gen.ID, "partitions", owned,
		"took", time.Since(started).Round(time.Millisecond))
	if g.cfg.OnRebalance != nil {
		g.cfg.OnRebalance(Generation{ID: gen.ID, Owned: owned})
	}
	for _, a := range assignments {
		g.running.Add(1)
		gen.Start(func(ended context.Context) {
			defer g.running.Done()
			g.run(ctx, ended, a)
		})
	}
	return nil
}

// run calls fn for one partition and holds on to the partition until the generation
// ends: kafka-go ends the generation when one function returns.
func (g *group) run(ctx, ended context.Context, a *assignment) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ended.Done():
			cancel()
		case <-inner.Done():
		}
	}()
	err := g.fn(inner, a)
	a.release()
	switch {
	case err == nil || errors.Is(err, ErrStale) || (inner.Err() != nil && isCancelled(err)):
		if err != nil && errors.Is(err, ErrStale) {
			g.client.log.Warn("kafka partition lost", "group", g.cfg.ID, "topic", a.topic, "partition", a.partition, "error", err)
		}
	default:
		g.cancel(fmt.Errorf("topic %s partition %d: %w", a.topic, a.partition, err))
	}
	if !errors.Is(err, ErrStale) {
		<-inner.Done()
	}
	cancel()
	<-watched
}

func isCancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// leave waits for the functions and leaves the group. It cuts the connections where
// that takes longer than leaveGrace.
func (g *group) leave(conns *connSet) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = g.members.Close()
	}()
	g.running.Wait()
	timer := time.NewTimer(leaveGrace)
	defer timer.Stop()
	select {
	case <-closed:
		conns.close()
		return
	case <-timer.C:
	}
	conns.close()
	<-closed
	if g.memberID != "" {
		ctx, cancel := context.WithTimeout(context.Background(), leaveGrace)
		defer cancel()
		_, _ = g.client.api.LeaveGroup(ctx, &kafkago.LeaveGroupRequest{
			GroupID: g.cfg.ID, Members: []kafkago.LeaveGroupRequestMember{{ID: g.memberID}},
		})
	}
}
