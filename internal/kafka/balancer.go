package kafka

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
)

// stickyBalancer spreads each topic's partitions evenly over the members that read it
// and leaves as many as it can where they are: a member tells in its user data what it
// owns. Moving a partition costs a rewind on the other side.
type stickyBalancer struct {
	mu         sync.Mutex
	generation int32
	owned      map[string][]int
	// distributed is how many partitions of each topic this member, as the group's
	// leader, has distributed since grown was called.
	distributed map[string]int
}

// claim is a member's user data.
type claim struct {
	Version    int              `json:"v"`
	Generation int32            `json:"generation"`
	Owned      map[string][]int `json:"owned"`
}

func (b *stickyBalancer) own(generation int32, owned map[string][]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation, b.owned = generation, owned
}

// ProtocolName is what all members must share.
func (b *stickyBalancer) ProtocolName() string { return "presage-sticky" }

// UserData tells what this member owns.
func (b *stickyBalancer) UserData() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return json.Marshal(claim{Version: 1, Generation: b.generation, Owned: b.owned})
}

// AssignGroups is called on the group's leader. The result depends on its arguments
// alone, not on their order.
func (b *stickyBalancer) AssignGroups(members []kafkago.GroupMember, partitions []kafkago.Partition) kafkago.GroupMemberAssignments {
	counts := map[string][]int{}
	for _, p := range partitions {
		counts[p.Topic] = append(counts[p.Topic], p.ID)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.distributed = map[string]int{}
	for topic, ids := range counts {
		b.distributed[topic] = len(ids)
	}
	return assign(members, counts)
}

// grown is an error where a topic has more partitions than this member, as the leader,
// has just distributed: nobody owns the new ones, and kafka-go, which begins to watch
// after the distribution, would take them for owned.
func (b *stickyBalancer) grown(topics []string, counts []int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	distributed := b.distributed
	b.distributed = nil
	for i, topic := range topics {
		if n, ok := distributed[topic]; ok && counts[i] > n {
			return fmt.Errorf("topic %s has %d partitions, %d were distributed: %w", topic, counts[i], n, kafkago.RebalanceInProgress)
		}
	}
	return nil
}

func assign(members []kafkago.GroupMember, partitions map[string][]int) kafkago.GroupMemberAssignments {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b kafkago.GroupMember) int { return cmp.Compare(a.ID, b.ID) })
	claims := make(map[string]claim, len(members))
	out := kafkago.GroupMemberAssignments{}
	for _, m := range members {
		var c claim
		if json.Unmarshal(m.UserData, &c) != nil || c.Version != 1 {
			c = claim{} // a member of another version owns nothing yet
		}
		claims[m.ID] = c
		out[m.ID] = map[string][]int{}
	}
	total := map[string]int{}
	for _, topic := range slices.Sorted(maps.Keys(partitions)) {
		var readers []string
		for _, m := range members {
			if slices.Contains(m.Topics, topic) {
				readers = append(readers, m.ID)
			}
		}
		if len(readers) == 0 {
			continue
		}
		ids := slices.Clone(partitions[topic])
		slices.Sort(ids)
		for id, got := range assignTopic(topic, ids, readers, claims, total) {
			slices.Sort(got)
			out[id][topic] = got
			total[id] += len(got)
		}
	}
	return out
}

// assignTopic gives every reader len(ids)/len(readers) partitions and the remainder,
// one each, to those who own more or have fewer in total.
func assignTopic(topic string, ids []int, readers []string, claims map[string]claim, total map[string]int) map[string][]int {
	kept := keepers(topic, ids, readers, claims)
	order := slices.Clone(readers)
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(kept[b]), len(kept[a])), cmp.Compare(total[a], total[b]))
	})
	got := map[string][]int{}
	free := slices.Clone(ids)
	quota := map[string]int{}
	for i, id := range order {
		quota[id] = len(ids) / len(readers)
		if i < len(ids)%len(readers) {
			quota[id]++
		}
		for _, p := range kept[id] {
			if len(got[id]) < quota[id] {
				got[id] = append(got[id], p)
				free = slices.DeleteFunc(free, func(q int) bool { return q == p })
			}
		}
	}
	for _, id := range order {
		n := quota[id] - len(got[id])
		got[id] = append(got[id], free[:n]...)
		free = free[n:]
	}
	return got
}

// keepers tells which partitions each reader owns already. Where two claim one, the
// later generation is right.
func keepers(topic string, ids []int, readers []string, claims map[string]claim) map[string][]int {
	owner := map[int]string{}
	for _, id := range readers {
		for _, p := range claims[id].Owned[topic] {
			if !slices.Contains(ids, p) {
				continue
			}
			if other, ok := owner[p]; !ok || claims[other].Generation < claims[id].Generation {
				owner[p] = id
			}
		}
	}
	kept := map[string][]int{}
	for _, p := range slices.Sorted(maps.Keys(owner)) {
		kept[owner[p]] = append(kept[owner[p]], p)
	}
	return kept
}
