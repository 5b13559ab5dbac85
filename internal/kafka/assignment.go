package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// MaxMetadata is the longest metadata of a commit, in bytes. Brokers take 4 096 by
// default; the embedded one takes anything, so the limit is checked here.
const MaxMetadata = 1024

// commitTimeout bounds one Commit, also after the generation has ended.
const commitTimeout = 5 * time.Second

// assignment implements Assignment.
type assignment struct {
	*Reader
	group      string
	generation int
	member     string
	partitions int
	committed  Commit
	known      bool
}

// Topic is the assigned partition's topic.
func (a *assignment) Topic() string { return a.topic }

// Partition is the assigned partition's number.
func (a *assignment) Partition() int { return a.partition }

// Partitions is how many partitions the topic has.
func (a *assignment) Partitions() int { return a.partitions }

// Committed is what the group last committed when the generation began.
func (a *assignment) Committed() (Commit, bool) { return a.committed, a.known }

// StartAt sets the offset of the next Fetch.
func (a *assignment) StartAt(offset int64) {
	a.next, a.narrow = offset, false
}

// Commit stores the group's place, within five seconds.
func (a *assignment) Commit(ctx context.Context, commit Commit) error {
	if len(commit.Metadata) > MaxMetadata {
		return fmt.Errorf("BUG: commit of topic %s partition %d carries %d bytes of metadata, at most %d are allowed",
			a.topic, a.partition, len(commit.Metadata), MaxMetadata)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	retry := retrier{client: a.client, request: at(opCommit, a.topic, a.partition).in(a.group)}
	for {
		err := a.tryCommit(ctx, commit)
		switch {
		case err == nil:
			return nil
		case isStale(err):
			return fmt.Errorf("commit %s/%d of group %s in generation %d: %w (%w)", a.topic, a.partition, a.group, a.generation, ErrStale, err)
		}
		if paused := retry.pause(ctx, err); paused != nil {
			return fmt.Errorf("commit offset %d of topic %s partition %d: %w", commit.Offset, a.topic, a.partition, paused)
		}
	}
}

func isStale(err error) bool {
	for _, code := range []kafkago.Error{
		kafkago.IllegalGeneration, kafkago.UnknownMemberId, kafkago.RebalanceInProgress, kafkago.FencedInstanceID,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// tryCommit does not use Generation.CommitOffsets, which erases metadata.
func (a *assignment) tryCommit(ctx context.Context, commit Commit) error {
	res, err := a.client.api.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: a.group, GenerationID: a.generation, MemberID: a.member,
		Topics: map[string][]kafkago.OffsetCommit{
			a.topic: {{Partition: a.partition, Offset: commit.Offset, Metadata: commit.Metadata}},
		},
	})
	if err != nil {
		return err
	}
	for _, p := range res.Topics[a.topic] {
		if p.Partition == a.partition {
			return p.Error
		}
	}
	return fmt.Errorf("the broker's answer to a commit names no partition %d: %w", a.partition, kafkago.Unknown)
}

// assignments asks for what was committed, with its metadata, and for the topics' sizes.
func (g *group) assignments(ctx context.Context, gen *kafkago.Generation) ([]*assignment, error) {
	counts, err := g.client.Partitions(ctx, g.cfg.Topics...)
	if err != nil {
		return nil, err
	}
	if err := g.balancer.grown(g.cfg.Topics, counts); err != nil {
		return nil, err
	}
	wanted := map[string][]int{}
	for topic, list := range gen.Assignments {
		for _, p := range list {
			wanted[topic] = append(wanted[topic], p.ID)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	committed, err := g.client.committed(ctx, g.cfg.ID, wanted)
	if err != nil {
		return nil, err
	}
	var out []*assignment
	for i, topic := range g.cfg.Topics {
		for _, p := range wanted[topic] {
			a := &assignment{
				Reader: g.client.Read(topic, p, FirstOffset, g.cfg.Fetch),
				group:  g.cfg.ID, generation: int(gen.ID), member: gen.MemberID, partitions: max(counts[i], p+1),
			}
			a.tracked = true
			if c, ok := committed[topic][p]; ok {
				a.committed, a.known = c, true
				a.next = c.Offset
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// committed reads a group's commits; partitions without one are missing in the result.
func (c *Client) committed(ctx context.Context, group string, wanted map[string][]int) (map[string]map[int]Commit, error) {
	res, err := c.api.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: wanted})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, c.explain(ctx, about(opCommitted, slices.Sorted(maps.Keys(wanted))...).in(group), err)
	}
	out := map[string]map[int]Commit{}
	for topic, list := range res.Topics {
		out[topic] = map[int]Commit{}
		for _, p := range list {
			if p.Error != nil {
				return nil, c.explain(ctx, at(opCommitted, topic, p.Partition).in(group), p.Error)
			}
			if p.CommittedOffset >= 0 {
				out[topic][p.Partition] = Commit{Offset: p.CommittedOffset, Metadata: p.Metadata}
			}
		}
	}
	return out, nil
}

// Committed tells what a group has committed for all partitions of a topic, without
// being a member. Partitions without a commit are missing.
func (c *Client) Committed(ctx context.Context, group, topic string) (map[int]Commit, error) {
	counts, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	partitions := make([]int, counts[0])
	for i := range partitions {
		partitions[i] = i
	}
	out, err := c.committed(ctx, group, map[string][]int{topic: partitions})
	return out[topic], err
}
