package ownership

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"presage/internal/kafka"
)

// Options say what is shared, and how.
type Options struct {
	Client *kafka.Client
	Topic  string   // of the slices; it must exist
	Graphs []string // that this process is configured for
	// Run forecasts a graph until its ctx ends, which is no error. It may read as it likes,
	// and calls Begin and End around what it publishes. Its error ends this package's Run.
	Run func(ctx context.Context, graph string, lease *Lease) error
	// OnOwned, where set, is told at every distribution which graphs this process owns.
	OnOwned        func(graphs []string)
	Metrics        *Metrics
	SessionTimeout time.Duration // after which a silent process's graphs go to others; 0 means kafka's default
	CommitInterval time.Duration // 0 means 1 s
	Log            *slog.Logger
}

// drainTimeout is how long a slice that was begun may take to its end when the
// partition goes.
const drainTimeout = 4 * time.Second

// maxGroup is the length up to which a group's name lists its graphs.
const maxGroup = 200

// Group is the consumer group of the processes that forecast these graphs of a slices
// topic. Both are part of the name: a process must not be given the partition of a graph that it does not know, so
// that installations that share a topic, or a cluster, are groups of their own.
func Group(topic string, graphs []string) string {
	graphs = slices.Sorted(slices.Values(graphs))
	name := "presage-forecaster-" + topic + "-" + strings.Join(graphs, "+")
	if len(name) <= maxGroup {
		return name
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(graphs, "+")))
	return fmt.Sprintf("presage-forecaster-%s-%016x", topic, h.Sum64())
}

// Run forecasts the graphs whose partitions this process owns, until ctx ends, which is
// no error. What has begun by then is finished and committed.
func Run(ctx context.Context, o Options) error {
	if o.CommitInterval <= 0 {
		o.CommitInterval = time.Second
	}
	counts, err := o.Client.Partitions(ctx, o.Topic)
	if err != nil {
		return fmt.Errorf("share the graphs: %w", err)
	}
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	// The forecasters end by themselves only after the slice that they are at.
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s := &share{Options: o, base: base, fail: fail, count: counts[0], partitions: map[int]*partition{}}
	for _, graph := range o.Graphs {
		id := kafka.Partition([]byte(graph), s.count)
		if s.partitions[id] == nil {
			s.partitions[id] = newPartition(id)
		}
		p := s.partitions[id]
		p.leases = append(p.leases, &Lease{graph: graph, partition: p})
		o.Metrics.show(p, false)
	}
	err = o.Client.RunGroup(inner, kafka.GroupConfig{
		ID: Group(o.Topic, o.Graphs), Topics: []string{o.Topic}, SessionTimeout: o.SessionTimeout, OnRebalance: s.distribute,
	}, s.hold)
	for _, p := range s.partitions {
		s.end(p)
	}
	if cause := context.Cause(inner); cause != nil && ctx.Err() == nil {
		return cause // of a forecaster
	}
	return err
}

// share is what the generations of a process have in common.
type share struct {
	Options
	base       context.Context // of the forecasters
	fail       context.CancelCauseFunc
	count      int                // partitions of the topic
	partitions map[int]*partition // those with graphs
}

// distribute is told of a generation before its partitions are held. It ends the
// forecasters of those that have gone, or may have been another's meanwhile: generations are counted by the
// brokers, so that nobody else owned a partition between two consecutive ones.
func (s *share) distribute(g kafka.Generation) {
	var owned []string
	for id, p := range s.partitions {
		mine := slices.Contains(g.Owned[s.Topic], id)
		if !mine || g.ID != p.generation+1 {
			s.end(p)
		}
		if mine {
			p.generation = g.ID
			owned = append(owned, p.graphs()...)
		}
	}
	slices.Sort(owned)
	if len(owned) == 0 {
		s.Log.Info("standing by: the graphs are other processes'", "group", Group(s.Topic, s.Graphs), "generation", g.ID)
	}
	if s.OnOwned != nil {
		s.OnOwned(owned)
	}
}

// hold is called for each partition of a generation and returns when that ends.
func (s *share) hold(ctx context.Context, a kafka.Assignment) error {
	if a.Partitions() != s.count {
		return fmt.Errorf("topic %s has %d partitions now and had %d at the start: graphs are spread by that number, start all processes again",
			s.Topic, a.Partitions(), s.count)
	}
	p := s.partitions[a.Partition()]
	if p == nil {
		return nil // of no graph
	}
	s.start(p)
	p.update(func() { p.held = true })
	s.Metrics.show(p, true)
	c := &committer{share: s, partition: p, assignment: a}
	if committed, ok := a.Committed(); ok {
		c.stored = committed.Offset
	}
	err := c.loop(ctx)
	patience := drainTimeout
	if errors.Is(err, kafka.ErrStale) {
		patience = 0 // another process works already
	}
	finished := p.withdraw(patience)
	if !finished {
		s.end(p)
	}
	s.Metrics.show(p, false)
	if err != nil || !finished {
		return err
	}
	if err := c.commit(ctx); err != nil {
		s.Log.Warn("the last commit failed", "topic", s.Topic, "partition", p.id, "error", err)
	}
	return nil
}

// start starts the forecasters of a partition, where they do not run.
func (s *share) start(p *partition) {
	if p.stop != nil {
		return
	}
	s.Log.Info("forecasting", "graphs", p.graphs(), "topic", s.Topic, "partition", p.id, "generation", p.generation)
	ctx, cancel := context.WithCancel(s.base)
	var running sync.WaitGroup
	for _, l := range p.leases {
		p.update(func() { l.working, l.next, l.end = false, -1, -1 })
		running.Go(func() {
			err := s.Run(ctx, l.graph, l)
			p.update(func() { l.working = false })
			if err != nil && ctx.Err() == nil {
				s.fail(fmt.Errorf("graph %s: %w", l.graph, err))
			}
		})
	}
	p.stop = func() { cancel(); running.Wait() }
}

// end ends the forecasters of a partition and waits for them.
func (s *share) end(p *partition) {
	if p.stop == nil {
		return
	}
	p.stop()
	p.stop = nil
	s.Log.Info("no longer forecasting", "graphs", p.graphs(), "topic", s.Topic, "partition", p.id, "generation", p.generation)
}
